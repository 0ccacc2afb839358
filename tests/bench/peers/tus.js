// The official tus server with its file storage. Usage: node tus.js PORT FOLDER
const [port, directory] = process.argv.slice(2);

async function main() {
  const { Server } = await import("@tus/server");
  const { FileStore } = await import("@tus/file-store");
  const server = new Server({ path: "/files", datastore: new FileStore({ directory }) });
  server.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
}

main();
