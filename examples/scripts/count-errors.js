/*---
name: count-errors
access: 2
uses: [fs.read, log.warn]
args:
  type: object
  required: [file]
  properties:
    file: {type: string, description: a log below a folder that the policy lets be read}
    word: {type: string, default: error, maxLength: 100}
    show: {type: integer, minimum: 0, maximum: 100, default: 5, description: how many of the last lines to show}
metadata: {owner: operations}
---*/
// Reads the file part by part, so that its size does not matter.
const last = [];
let count = 0;
let offset = 0;
let rest = "";
for (let eof = false; !eof;) {
  const part = await fs.read(args.file, { offset, length: 256 * 1024 });
  if (part.text === undefined) throw new Error(`${args.file} is no text`);
  offset += part.bytes;
  eof = part.eof;
  const lines = (rest + part.text).split("\n");
  rest = eof ? "" : lines.pop() ?? "";
  for (const line of lines) {
    if (!line.toLowerCase().includes(args.word)) continue;
    count++;
    last.push(line);
    if (last.length > args.show) last.shift();
  }
}
for (const line of last) await log.warn(line);
return { file: args.file, bytes: offset, count };
