// A client of the original protocol: it knows these events and fields, and nothing newer.
// usage: node client.mjs URL SESSION TRANSPORT < PIECES — prints what it heard as JSON.
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const [url, sessionId, transport] = process.argv.slice(2);
const pieces = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const bytes = Buffer.from(text, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
});
const userId = "user-1";
const heard = { started: null, acks: [], errors: [], stopped: null };
const acked = new Set();

const socket = io(url, { transports: [transport] });
const fail = (what) => {
  console.log(JSON.stringify({ ...heard, failed: what }));
  process.exit(1);
};
setTimeout(() => fail("took too long"), 60_000).unref();

socket.on("connect_error", (error) => fail(`connect_error: ${error.message}`));
socket.on("connect", () => {
  socket.emit("start-session", { sessionId, userId, title: "Stand-up", source: "tab" });
});
socket.on("session-started", (answer) => {
  heard.started = answer;
  pieces.forEach((audio, sequence) => {
    socket.emit("audio-chunk", {
      sessionId,
      sequence,
      timestamp: Date.now(),
      size: audio.byteLength,
      mimeType: "audio/webm;codecs=opus",
      audio,
    });
  });
});
socket.on("chunk-ack", (ack) => {
  heard.acks.push(ack);
  acked.add(ack.sequence);
  if (acked.size === pieces.length) socket.emit("stop-session", { sessionId, userId });
});
socket.on("session-stopped", (answer) => {
  heard.stopped = answer;
  socket.close();
  console.log(JSON.stringify(heard));
});
for (const event of ["chunk-error", "session-error"]) {
  socket.on(event, (error) => heard.errors.push(error));
}
