/** Signed documents that are not what their signers wrote, against the compiled programs. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../base/errors.ts";
import { sign } from "../../wire/sign/mod.ts";
import { Fleet } from "../support/fleet.ts";
import { assertRefused, newKey, Operator, refusalOf, seconds, ulid, withoutAlg } from "./bad_input.ts";

const HEADER = "/*---\nname: report\naccess: 0\nuses: [output.emit]\n---*/\n";
const BODY = "await output.emit({ ok: true });\n";
const DAY_MS = 24 * 3600_000;

interface BadFile {
  name: string;
  code: ErrorCode;
  /** What is done to the signed file. */
  change(signed: string): string;
}

const FILES: BadFile[] = [
  { name: "a changed body", code: "signature.invalid", change: (text) => text.replace("ok: true", "ok: null") },
  { name: "a changed header", code: "signature.invalid", change: (text) => text.replace("access: 0", "access: 4") },
  { name: "text before the header", code: "document.malformed", change: (text) => `// a note\n${text}` },
  {
    name: "a key that stands twice",
    code: "document.malformed",
    change: (text) => text.replace("access: 0\n", "access: 0\naccess: 4\n"),
  },
  {
    name: "alg: none",
    code: "document.malformed",
    change: (text) => text.replace(/jws: ([\w-]+)\.\./, (_, header) => `jws: ${withoutAlg(header)}..`),
  },
  {
    name: "alg: none, and no signature",
    code: "document.malformed",
    change: (text) => text.replace(/jws: ([\w-]+)\.\.[\w-]+/, (_, header) => `jws: ${withoutAlg(header)}..`),
  },
  { name: "signatures taken off", code: "signature.missing", change: (text) => text.replace(/signatures:\n.*\n/, "") },
  { name: "a byte-order mark", code: "document.malformed", change: (text) => `\ufeff${text}` },
  { name: "carriage returns", code: "document.malformed", change: (text) => text.replaceAll("\n", "\r\n") },
  {
    name: "a character that turns the text around",
    code: "document.malformed",
    change: (text) => text.replace("ok: true", "ok: true /* \u202e */"),
  },
];

interface BadOrder {
  name: string;
  code: string;
  bytes(operator: Operator): Uint8Array<ArrayBuffer> | string;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const ORDERS: BadOrder[] = [
  { name: "an unknown signer", code: "signer.unknown", bytes: (operator) => operator.order({}, newKey()) },
  { name: "no signer", code: "signature.missing", bytes: (operator) => operator.order({}, null) },
  {
    name: "an order past its end",
    code: "document.expired",
    bytes: (operator) =>
      operator.order({ notBefore: seconds(Date.now() - DAY_MS), notAfter: seconds(Date.now() - 1000) }),
  },
  {
    name: "a widened selector",
    code: "signature.invalid",
    bytes: (operator) => text(operator.order({ selector: "role=db" })).replace('"role=db"', '""'),
  },
  {
    name: "an order of another cluster",
    code: "document.wrong_cluster",
    bytes: (operator) => operator.order({ cluster: "01M7W7A0T9CHEQHAJ342FR7MFM" }),
  },
  {
    name: "an order for longer than any order",
    code: "document.malformed",
    bytes: (operator) =>
      text(operator.order()).replace(/^notAfter: .*$/m, `notAfter: "${seconds(Date.now() + 40 * DAY_MS)}"`),
  },
];

Deno.test("fleet carries out no document but the one that was signed", async (t) => {
  const fleet = await Fleet.start();
  const operator = await Operator.of(fleet);
  try {
    await fleet.startAgent({ name: "host", tags: { role: "web" } });
    const path = `${fleet.folder}/report.js`;
    await Deno.writeTextFile(path, HEADER + BODY);
    await fleet.must("script", "sign", path);
    const signed = await Deno.readTextFile(path);
    for (const { name, code, change } of FILES) {
      await t.step(`a script with ${name}`, async () => {
        assert.notEqual(change(signed), signed);
        await Deno.writeTextFile(path, change(signed));
        assertRefused(await fleet.cli("script", "push", path), code);
        assertRefused(await fleet.cli("run", path), code);
      });
    }
    await t.step("a script by an unknown signer", async () => {
      const bytes = sign(new TextEncoder().encode(HEADER + BODY), "script", newKey(), { at: Date.now() });
      await Deno.writeFile(path, bytes);
      assertRefused(await fleet.cli("script", "push", path), "signer.unknown");
    });
    await t.step("nothing of it was kept, and nothing ran", async () => {
      assert.deepEqual(JSON.parse((await fleet.must("script", "ls", "-o", "json")).out), []);
      assert.deepEqual(JSON.parse((await fleet.must("run", "ls", "-o", "json")).out), []);
    });
    for (const { name, code, bytes } of ORDERS) {
      await t.step(name, async () => assert.equal(await refusalOf(await operator.submit(bytes(operator))), code));
    }
    await t.step("an order for nobody", async () => {
      assertRefused(await fleet.cli("run", "-l", "role=db", "sys.facts"), "input.no_target");
    });
    await t.step("an order that was handed in twice runs once", () => handedInTwice(operator));
    await t.step("an order whose id was used by another", async () => {
      const id = ulid();
      assert.equal((await runToEnd(operator, operator.order({ id }))).length, 1);
      const other = operator.order({ id, selector: "role=web" });
      assert.equal(await refusalOf(await operator.submit(other)), "input.conflict");
    });
    await t.step("an old version does not come back when the new one is removed", async () => {
      for (const version of [1, 2]) {
        await Deno.writeTextFile(path, HEADER.replace("name: report", `name: report\nversion: ${version}`) + BODY);
        await fleet.must("sign", path);
      }
      await fleet.must("script", "rm", "--yes", "report");
      assertRefused(await fleet.cli("run", "report"), "input.not_found");
    });
    await t.step("the honest file still runs", async () => {
      await Deno.writeTextFile(path, signed);
      assert.match((await fleet.must("run", path)).out, /"ok": ?true/);
    });
  } finally {
    operator.close();
    await fleet.stop();
  }
});

/** Hands an order in and waits for its end; answers the ids of the runs it had. */
async function runToEnd(operator: Operator, order: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const id = /^id: "(\w+)"$/m.exec(text(order))![1]!;
  const submitted = await operator.submit(order);
  assert.equal(submitted.status, 200, await submitted.clone().text());
  await submitted.body?.cancel();
  const { out } = await operator.fleet.must("run", "attach", "-o", "json", id);
  return startedIn(out);
}

async function handedInTwice(operator: Operator): Promise<void> {
  const orders = async () => JSON.parse((await operator.fleet.must("run", "ls", "-o", "json")).out).length;
  const before = await orders();
  const order = operator.order();
  const first = await runToEnd(operator, order);
  assert.equal(first.length, 1);
  const again = await operator.submit(order);
  assert.equal(again.status, 200, await again.text());
  const { out } = await operator.fleet.must("run", "attach", "-o", "json", /^id: "(\w+)"$/m.exec(text(order))![1]!);
  assert.deepEqual(startedIn(out), first);
  assert.equal(await orders(), before + 1, "it became another order");
}

/** The runs that records tell the start of. */
function startedIn(lines: string): string[] {
  const records = lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  return records.filter(({ body }) => body.state === "started").map(({ run }) => run);
}
