/*---
name: disk-alarm
access: 4
uses: [process.exec, log.error]
args:
  type: object
  properties:
    percent: {type: integer, minimum: 1, maximum: 100, default: 90, description: more than this is an error}
metadata: {owner: storage}
---*/
// Fails where a disk is too full, so that `jabber run` exits with 1 and names those hosts.
let text = "";
const { exitCode } = await process.exec("/usr/bin/df", ["-P", "/"], (item) => {
  if (item.fd === 1) text += item.text;
});
if (exitCode !== 0) throw new Error(`df ended with ${exitCode}`);
const full = text.trim().split("\n").slice(1).map((line) => {
  const [device, , , , used, mount] = line.trim().split(/\s+/);
  return { device, mount, percent: parseInt(used) };
}).filter(({ percent }) => percent > args.percent);
for (const { mount, percent } of full) await log.error(`${mount} is ${percent} % full`);
if (full.length > 0) throw new Error(`${full.length} disks are more than ${args.percent} % full`);
return { ok: true };
