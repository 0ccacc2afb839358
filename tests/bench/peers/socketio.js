// An official Socket.IO server. Usage: node socketio.js PORT none | node socketio.js PORT file FOLDER
// `none` acknowledges at once. `file` writes each chunk into a file and a row into PostgreSQL
// (DATABASE_URL) first; FSYNC=1 makes the file and its name durable, too.
const fs = require("node:fs/promises");
const { createServer } = require("node:http");
const path = require("node:path");
const { Server } = require("socket.io");

const [port, storage, folder] = process.argv.slice(2);
const durable = process.env.FSYNC === "1";

async function sync(name, data) {
  const handle = await fs.open(name, data ? "w" : "r");
  try {
    if (data) await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeDurably(file, data) {
  await sync(`${file}.part`, data);
  await fs.rename(`${file}.part`, file);
  await sync(path.dirname(file));
}

async function fileStorage() {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  await pool.query("create table chunks (session text, sequence int, file text, primary key (session, sequence))");
  const text = "insert into chunks (session, sequence, file) values ($1, $2, $3) on conflict do nothing";
  const folders = new Map(); // session -> the promise of its folder
  return async (chunk) => {
    const own = path.join(folder, chunk.sessionId);
    if (!folders.has(own)) folders.set(own, fs.mkdir(own, { recursive: true }));
    await folders.get(own);
    const file = path.join(own, `${chunk.sequence}.webm`);
    await (durable ? writeDurably(file, chunk.audio) : fs.writeFile(file, chunk.audio));
    const stored = await pool.query({ name: "insert", text, values: [chunk.sessionId, chunk.sequence, file] });
    return { sequence: chunk.sequence, duplicate: stored.rowCount === 0, canAccept: true };
  };
}

async function main() {
  const store = storage === "file" ? await fileStorage() : null;
  const http = createServer();
  const io = new Server(http, { maxHttpBufferSize: 8e6 });
  io.on("connection", (socket) => {
    socket.on("audio-chunk", async (chunk, acknowledge) => {
      if (!Buffer.isBuffer(chunk.audio)) throw new TypeError("no audio");
      acknowledge(store ? await store(chunk) : { sequence: chunk.sequence, duplicate: false, canAccept: true });
    });
  });
  http.listen(Number(port), "127.0.0.1", 4096);
}

main();
