import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { resolveEndpoint } from "./resolve_system.ts";

Deno.test("resolveEndpoint() takes an address as it is, and asks for a name", async () => {
  assert.deepEqual(await resolveEndpoint("10.0.0.1:7946"), [{ address: "10.0.0.1", port: 7946 }]);
  assert.deepEqual(await resolveEndpoint("[2001:db8::1]:7946"), [{ address: "2001:db8::1", port: 7946 }]);
  const local = await resolveEndpoint("localhost:7946");
  assert.ok(local.some(({ address, port }) => (address === "127.0.0.1" || address === "::1") && port === 7946));
});

Deno.test("resolveEndpoint() says of what it cannot find that it has no address", async () => {
  // No name is that long, so that nobody is asked.
  await assert.rejects(
    resolveEndpoint(`${"a".repeat(300)}:1`),
    (cause) =>
      cause instanceof JabberError && cause.code === "net.unreachable" && /a has no address/.test(cause.message),
  );
  await assert.rejects(
    resolveEndpoint("nowhere"),
    (cause) => cause instanceof JabberError && cause.code === "config.invalid",
  );
});
