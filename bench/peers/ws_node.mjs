// The `ws` package on Node: answers a connection's first text with a welcome of the size of ours.
// Usage: node ws_node.mjs FOLDER_OF_WS WELCOME_CHARS
import process from "node:process";
import { pathToFileURL } from "node:url";

const [folder, size] = process.argv.slice(2);
const { WebSocketServer } = await import(pathToFileURL(`${folder}/wrapper.mjs`).href);
const welcome = "w".repeat(Number(size));
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.once("message", () => socket.send(welcome));
  socket.on("message", () => {});
  socket.on("error", () => {});
});
server.on("listening", () => console.log(`listening port=${server.address().port}`));
