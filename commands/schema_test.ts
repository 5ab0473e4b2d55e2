import assert from "node:assert/strict";
import { COMMANDS, findCommand } from "./mod.ts";
import { describeCommand, inputNames, schemaToType } from "./schema.ts";

Deno.test("describeCommand() gives plain JSON for every command, its positional names among the input's", () => {
  for (const command of COMMANDS) {
    const schema = describeCommand(command);
    assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema);
    assert.equal(schema.input["additionalProperties"], false, command.key);
    assert.deepEqual(inputNames(command).slice(0, command.positional.length), [...command.positional], command.key);
    assert.match(command.summary, /^[A-Z][^.]*$/);
  }
});

Deno.test("describeCommand() shows arguments as a caller gives them", () => {
  const { input, output } = describeCommand(findCommand("process.exec")!);
  assert.deepEqual(input["required"], ["program"]);
  assert.deepEqual(inputNames(findCommand("process.exec")!), ["program", "args", "stdin", "timeoutSeconds"]);
  assert.equal(Array.isArray(output["anyOf"]), true);
  assert.deepEqual(describeCommand(findCommand("output.emit")!).input["required"], ["body"]);
});

Deno.test("schemaToType() writes a schema on one line", () => {
  const typeOf = (key: string) => schemaToType(describeCommand(findCommand(key)!).output);
  assert.equal(typeOf("process.exec"), "{fd: 1 | 2, text: string} | {fd: 1 | 2, base64: string}");
  const facts = schemaToType(describeCommand(findCommand("sys.facts")!).result!);
  assert.match(facts, /loadAverage: \[number, number, number\], memory: \{totalBytes: number, /);
  const { input } = describeCommand(findCommand("fs.read")!);
  assert.equal(schemaToType(input), "{path: string, offset?: number, length?: number}");
  assert.equal(schemaToType({ type: "array", items: { enum: ["a", 1] } }), 'Array<"a" | 1>');
  assert.equal(schemaToType({ $ref: "#/x" }), "unknown");
});
