/**
 * A websocket client that does next to nothing, so that a loader of thousands of them is not what is measured: one
 * TCP connection, one buffer, text frames, a masking key of zeros.
 */
import { Buffer } from "node:buffer";

/** Where to dial, and what to say in the upgrade request. */
export interface Dial {
  hostname: string;
  port: number;
  path: string;
  headers?: Readonly<Record<string, string>>;
}

export interface RawSocket {
  /** The frame must be one of `textFrame`. */
  send(frame: Uint8Array): void;
  close(): void;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
}

const READ_BYTES = 2048;
const FRAME_BYTES_MAX = 1024 * 1024;

/** A masked text frame; the key of zeros leaves the text as it is. */
export function textFrame(text: string): Buffer {
  return frame(0x81, Buffer.from(text));
}

function frame(head: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const start = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const bytes = Buffer.alloc(start + 4 + length);
  bytes[0] = head;
  if (start === 2) bytes[1] = 0x80 | length;
  else {
    bytes[1] = start === 4 ? 0xfe : 0xff;
    if (start === 4) bytes.writeUInt16BE(length, 2);
    else bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.set(payload, start + 4);
  return bytes;
}

/** Opens a websocket; rejects with the server's status line when it refuses. */
export async function dial(to: Dial, onText: (text: string) => void): Promise<RawSocket> {
  const conn = await Deno.connect({ hostname: to.hostname, port: to.port });
  conn.setNoDelay(true);
  try {
    await writeAll(conn, Buffer.from(upgradeRequest(to)));
    const rest = await readUpgrade(conn);
    const writer = createWriter(conn);
    const ended = readFrames(conn, rest, onText, writer.send).catch(() => {}).finally(() => writer.close());
    return { send: writer.send, close: writer.close, ended };
  } catch (cause) {
    conn.close();
    throw cause;
  }
}

function upgradeRequest({ hostname, port, path, headers = {} }: Dial): string {
  const all = {
    host: `${hostname}:${port}`,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "YmVuY2htYXJrIG5vbmNlIQ==",
    ...headers,
  };
  return `GET ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Reads the answer to the upgrade; what came behind it are the first frames. */
async function readUpgrade(conn: Deno.Conn): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end >= 0) {
      const head = bytes.toString("latin1", 0, end);
      if (!head.startsWith("HTTP/1.1 101")) throw new Error(`no websocket: ${bytes.toString("utf8").slice(0, 500)}`);
      return bytes.subarray(end + 4);
    }
    const chunk = new Uint8Array(READ_BYTES);
    const count = await conn.read(chunk);
    if (count === null) throw new Error("the connection ended during the upgrade");
    bytes = Buffer.concat([bytes, chunk.subarray(0, count)]);
  }
}

/** Writes one after the other; what is sent meanwhile goes out in one piece. */
function createWriter(conn: Deno.Conn): { send(bytes: Uint8Array): void; close(): void } {
  let waiting: Uint8Array[] = [];
  let writing = false;
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    conn.close();
  };
  const pump = async () => {
    writing = true;
    while (waiting.length > 0 && open) {
      const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
      waiting = [];
      await writeAll(conn, bytes);
    }
    writing = false;
  };
  return {
    send(bytes) {
      waiting.push(bytes);
      if (!writing && open) pump().catch(close);
    },
    close,
  };
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function readFrames(
  conn: Deno.Conn,
  first: Buffer,
  onText: (text: string) => void,
  send: (bytes: Uint8Array) => void,
): Promise<void> {
  const chunk = Buffer.alloc(READ_BYTES);
  let held = first;
  for (;;) {
    let at = 0;
    for (let size = frameSize(held, at); size !== undefined; size = frameSize(held, at)) {
      const payload = held.subarray(at + size.start, at + size.end);
      const opcode = held[at]! & 15;
      if (opcode === 1) onText(payload.toString("utf8"));
      else if (opcode === 9) send(frame(0x8a, payload));
      else if (opcode === 8) return;
      at += size.end;
    }
    // A copy: the next read writes over the chunk.
    const rest = Buffer.from(held.subarray(at));
    const count = await conn.read(chunk);
    if (count === null) return;
    // Nearly always nothing is left, and the chunk is used as it stands.
    held = rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([rest, chunk.subarray(0, count)]);
  }
}

/** Where a whole frame's payload starts and ends; `undefined` while a part is missing. */
function frameSize(bytes: Buffer, at: number): { start: number; end: number } | undefined {
  const left = bytes.length - at;
  if (left < 2) return undefined;
  const short = bytes[at + 1]! & 127;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (left < start) return undefined;
  const length = short < 126
    ? short
    : short === 126
    ? bytes.readUInt16BE(at + 2)
    : Number(bytes.readBigUInt64BE(at + 2));
  if (length > FRAME_BYTES_MAX) throw new Error(`a frame of ${length} bytes`);
  return left < start + length ? undefined : { start, end: start + length };
}
