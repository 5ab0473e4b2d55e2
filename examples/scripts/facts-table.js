/*---
name: facts-table
access: 1
uses: [sys.facts, output.emit]
metadata: {owner: operations}
---*/
// One row for each host; `jabber run` shows equal answers once. Open: whoever the server lets in may run it.
const { hostname, os, arch, cpus, memory, uptime } = await sys.facts();
await output.emit({
  hostname,
  platform: `${os}/${arch}`,
  cpus,
  memoryGiB: Math.round(memory.totalBytes / 2 ** 30),
  upDays: Math.floor(uptime / 86_400),
});
