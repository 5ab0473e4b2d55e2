/**
 * What our `aes-gcm` seal sends, for memberlist to open: `deno run tests/vectors/gossip_seal/generate.ts > ours.json`,
 * then `go run main.go open < ours.json` (see main.go). A user message (type 8), as memberlist's members send it.
 */
import { Buffer } from "node:buffer";
import { seededRng } from "../../../base/rng.ts";
import { createSeal, Keyring } from "../../../cluster/swim/seal/mod.ts";

export interface Sent {
  /** In base64, the primary first: it seals. */
  keys: string[];
  message: string;
  packet: string;
  stream: string;
}

const USER = 8;
const TO = { address: "127.0.0.1", port: 7946 };

export function sentByUs(): Sent[] {
  const keyOf = (bytes: number) => Buffer.alloc(bytes, bytes);
  const rings = [[keyOf(16)], [keyOf(24)], [keyOf(32)], [keyOf(32), keyOf(24), keyOf(16)]];
  return rings.flatMap((keys) => [1, 15, 1000].map((bytes) => sentWith(keys, Buffer.alloc(bytes, "m"))));
}

function sentWith(keys: readonly Buffer[], message: Buffer): Sent {
  const seal = createSeal({
    security: "aes-gcm",
    keyring: new Keyring("aes-gcm", keys),
    rng: seededRng(message.length),
  });
  const length = Buffer.alloc(3);
  // memberlist's header of a user message on a stream: { UserMsgLen } in msgpack.
  length[0] = 0xcd;
  length.writeUInt16BE(message.length, 1);
  const header = Buffer.concat([Buffer.from([0x81, 0xaa]), Buffer.from("UserMsgLen"), length]);
  const { send } = seal.dialStream().write(Buffer.concat([Buffer.from([USER]), header, message]));
  return {
    keys: keys.map((key) => key.toString("base64")),
    message: message.toString("hex"),
    packet: Buffer.from(seal.sealPacket(Buffer.concat([Buffer.from([USER]), message]), TO, 0)).toString("hex"),
    stream: Buffer.concat(send).toString("hex"),
  };
}

if (import.meta.main) console.log(JSON.stringify(sentByUs(), null, 1));
