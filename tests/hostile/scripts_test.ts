/** Scripts from a server that may serve whatever it likes under any hash. */
import assert from "node:assert/strict";
import { sign, stripSignatures } from "../../wire/sign/mod.ts";
import { type Attack, newKey, playAll, seconds, signerOf, Stage } from "./stage.ts";

const revoked = newKey();

type Bytes = Uint8Array<ArrayBuffer>;

/** A signed order for a script that the server answers with `bytes`. */
function orderFor(stage: Stage, hash: string, bytes: Bytes | undefined, args: Record<string, string> = {}): void {
  stage.server.behaviour.script = () => bytes;
  stage.command(stage.order("order", { does: `script:${hash}`, args }));
}

/** Asks without a person's signature for a script that the server answers with `bytes`. */
function askFor(stage: Stage, hash: string, bytes: Bytes): void {
  stage.server.behaviour.script = () => bytes;
  stage.bare("asked", { does: `script:${hash}`, args: {} });
}

function text(bytes: Bytes): string {
  return new TextDecoder().decode(bytes);
}

function bytesOf(content: string): Bytes {
  return new TextEncoder().encode(content);
}

/** Where a script's body begins. */
function bodyOf(bytes: Bytes): string {
  const content = text(bytes);
  return content.slice(content.indexOf("---*/") + "---*/\n".length);
}

function headOf(bytes: Bytes): string {
  const content = text(bytes);
  return content.slice(0, content.indexOf("---*/") + "---*/\n".length);
}

const NOT_THE_ONE: Attack[] = [
  {
    name: "an old version under the new one's hash",
    refused: ["script.mismatch"],
    play: (stage) => {
      const old = stage.script("version", { version: 1 });
      const current = stage.script("version", { version: 2 });
      orderFor(stage, current.hash, old.bytes);
    },
  },
  {
    name: "other content for a hash",
    refused: ["script.mismatch"],
    play: (stage) => orderFor(stage, stage.script("wanted").hash, stage.script("other").bytes),
  },
  {
    name: "one byte of the body changed",
    refused: ["script.mismatch"],
    play: (stage) => {
      const { hash, bytes } = stage.script("body");
      orderFor(stage, hash, bytesOf(text(bytes).replace("await", "/**/await")));
    },
  },
  {
    name: "one word of the header changed",
    refused: ["script.mismatch"],
    play: (stage) => {
      const { hash, bytes } = stage.script("header", { uses: ["output.emit"] });
      orderFor(stage, hash, bytesOf(text(bytes).replace("output.emit", "process.exec")));
    },
  },
  {
    name: "the header of one script over the body of another",
    refused: ["script.mismatch"],
    play: (stage) => {
      const one = stage.script("head");
      const other = stage.script("body", { uses: ["output.emit"], access: 0 });
      orderFor(stage, one.hash, bytesOf(headOf(other.bytes) + bodyOf(one.bytes)));
    },
  },
  {
    name: "no script at all",
    refused: ["script.unavailable"],
    play: (stage) => orderFor(stage, stage.script("none").hash, undefined),
  },
  {
    name: "a page that is no script",
    refused: ["document.malformed"],
    play: (stage) => orderFor(stage, stage.script("page").hash, bytesOf("<html>")),
  },
  {
    name: "two megabytes for a script",
    refused: ["script.unavailable"],
    play: (stage) => orderFor(stage, stage.script("large").hash, new Uint8Array(2 * 1024 * 1024)),
  },
];

const NOT_ALLOWED: Attack[] = [
  {
    name: "an ordered script that no order names",
    refused: ["run.unsigned"],
    play: (stage) => {
      const { hash, bytes } = stage.script("ordered");
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a script whose signatures were taken off, by a signed order",
    refused: ["signature.missing"],
    play: (stage) => {
      const { hash, bytes } = stage.script("stripped");
      orderFor(stage, hash, stripSignatures(bytes, "script"));
    },
  },
  {
    name: "an open script whose signatures were taken off",
    refused: ["signature.missing"],
    play: (stage) => {
      const { hash, bytes } = stage.script("stripped-open", { start: "open" });
      askFor(stage, hash, stripSignatures(bytes, "script"));
    },
  },
  {
    name: "a script that a stranger signed",
    refused: ["signer.unknown"],
    play: (stage) => {
      const { hash, bytes } = stage.script("stranger", { start: "open" }, stage.stranger);
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a script that the server's node key signed",
    refused: ["signer.unknown"],
    play: (stage) => {
      const { hash, bytes } = stage.script("node", { start: "open" }, stage.server.material.node.key);
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a script by a key that was revoked",
    refused: ["signer.revoked"],
    play: (stage) => {
      const { hash, bytes } = stage.script("revoked", { start: "open" }, revoked);
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a broken signature of the author beside a stranger's good one",
    refused: ["signature.invalid"],
    play: (stage) => {
      const honest = stage.script("honest", { start: "open" });
      const other = stage.script("broken", { start: "open" }, null);
      const signed = text(sign(other.bytes, "script", stage.stranger, { at: Date.now() }));
      const authors = /^ {2}- \{key.*$/m.exec(text(honest.bytes))![0];
      const bytes = bytesOf(signed.replace(/^signatures:\n/m, (found) => `${found}${authors}\n`));
      askFor(stage, other.hash, bytes);
    },
  },
  {
    name: "a script for other hosts",
    refused: ["document.wrong_host"],
    play: (stage) => {
      const { hash, bytes } = stage.script("hosts", { tags: { role: "db" }, start: "open" });
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a script of another cluster",
    refused: ["document.wrong_cluster"],
    play: (stage) => {
      const { hash, bytes } = stage.script("cluster", { cluster: "01M7W7A0T9CHEQHAJ342FR7MFM", start: "open" });
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a script that has expired",
    refused: ["document.expired"],
    play: (stage) => {
      const { hash, bytes } = stage.script("expired", { expires: seconds(Date.now() - 1000), start: "open" });
      askFor(stage, hash, bytes);
    },
  },
  {
    name: "a command above the script's access",
    refused: ["run.access"],
    play: (stage) => {
      const { hash, bytes } = stage.script("above", { access: 2 });
      orderFor(stage, hash, bytes);
    },
  },
  {
    name: "arguments that break the script's schema",
    refused: ["args.mismatch"],
    play: (stage) => {
      const { hash, bytes } = stage.script("args", {
        args: { type: "object", properties: { path: { type: "string" } } },
      });
      orderFor(stage, hash, bytes, { other: "x" });
    },
  },
];

Deno.test("agent runs no script but the one that was signed, for whom it was signed", async (t) => {
  const stage = await Stage.open({
    trust: () => ({ signers: [signerOf(revoked, "revoked")], revoked: [revoked.public.kid] }),
  });
  try {
    await playAll(t, stage, [...NOT_THE_ONE, ...NOT_ALLOWED]);
    await t.step("a good script is fetched again where a stripped one was served first", async () => {
      const { hash, bytes } = stage.script("again");
      await stage.play({
        name: "",
        refused: ["signature.missing"],
        play: () => orderFor(stage, hash, stripSignatures(bytes, "script")),
      });
      orderFor(stage, hash, bytes);
      await stage.server.heard.until("the good script's end", (since) => {
        return since.find((one) => one.kind === "runState" && one.body.does === `script:${hash}` && one.body.ok);
      });
      assert.ok(stage.markers().includes("again"));
    });
  } finally {
    await stage.close();
  }
});
