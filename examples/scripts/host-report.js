/*---
name: host-report
access: 4
uses: [sys.facts, process.exec, fs.read, log.info, output.emit]
args:
  type: object
  required: [file]
  properties:
    file: {type: string, description: a growing file to follow}
    looks: {type: integer, minimum: 1, maximum: 20, default: 4, description: how often to look at it}
metadata: {owner: operations}
---*/
// Load and memory come from the agent itself, the disk from a program its policy allows.
const facts = await sys.facts();
await log.info(`${facts.hostname}: load ${facts.loadAverage.map((load) => load.toFixed(2)).join(" ")}`);

let table = "";
await process.exec("/usr/bin/df", ["-P", "/"], (item) => {
  if (item.fd === 1) table += item.text;
});
const [, total, used] = table.trim().split("\n").at(-1).split(/\s+/).map(Number);

// Follow the file: what was appended since the last look is printed as it comes.
let offset = 0;
let lines = 0;
for (let look = 0; look < args.looks; look++) {
  const { text, bytes } = await fs.read(args.file, offset);
  offset += bytes;
  for (const line of text.split("\n").filter((line) => line !== "")) {
    lines++;
    await log.info(line);
  }
  await process.exec("/usr/bin/sleep", ["1"]);
}

await output.emit({ disk: { totalKiB: total, usedPercent: Math.round(100 * used / total) }, lines });
return { lines };
