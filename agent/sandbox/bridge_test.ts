import assert from "node:assert/strict";
import type { HostCall } from "../threads/protocol.ts";
import { openBridge } from "./bridge.ts";

const LIMITS = { callsInFlight: 2, callBytes: 100 };

Deno.test("openBridge() passes on calls of what the script uses, in turn, and refuses every other", async () => {
  const { port1, port2 } = new MessageChannel();
  const bridge = openBridge(port1, new Set(["fs.read"]), LIMITS, () => {});
  const send = (...call: Parameters<typeof bridge.send>): string => {
    const refusal = String(bridge.send(...call));
    return refusal === "" ? "" : JSON.parse(refusal).code;
  };
  try {
    const heard = new Promise<HostCall>((resolve) => port2.onmessage = ({ data }) => resolve(data));
    assert.equal(send(1, "process.exec", "{}", false), "script.calls");
    assert.equal(send(1, "constructor", "{}", false), "script.calls");
    assert.equal(send(1, undefined, "{}", false), "script.calls");
    assert.equal(send(1, "fs.read", '{"path":"/x"}', false), "");
    assert.equal(send(1, "fs.read", "{}", false), "script.calls", "a number that was used");
    assert.equal(send("2", "fs.read", "{}", false), "script.calls");
    assert.deepEqual(await heard, { call: 1, command: "fs.read", args: { path: "/x" }, stream: false });
    assert.equal(bridge.awaited(), 1);
  } finally {
    bridge.close();
    port2.close();
  }
});
