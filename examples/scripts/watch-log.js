/*---
name: watch-log
access: 2
uses: [fs.tail, kv.get, kv.set, log.warn, tags.set]
args:
  type: object
  required: [file]
  properties:
    file: {type: string, description: a log below a folder that the policy lets be read}
    word: {type: string, default: error, maxLength: 100}
metadata: {owner: operations}
---*/
// Each run takes what is new since the last one, also when the log was rotated or cut off meanwhile. Made for a job.
const place = "watch-log/" + args.file.replace(/[^A-Za-z0-9._-]/g, "_").slice(-150);
const { value: last, version } = await kv.get(place);
let found = 0;
const { offset, file, lines } = await fs.tail(
  { path: args.file, follow: false, from: last?.offset ?? "start", file: last?.file ?? "" },
  async ({ event, text = "" }) => {
    if (event !== undefined) await log.warn(`${args.file} was ${event}`);
    else if (text.toLowerCase().includes(args.word)) {
      found++;
      await log.warn(text);
    }
  },
);
// Fails when another run was here meanwhile, instead of counting a line twice.
await kv.set(place, { offset, file }, { ifVersion: version });
await tags.set("log", found > 0 ? "noisy" : "quiet");
return { file: args.file, lines, found };
