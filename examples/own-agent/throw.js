/*---
name: throw
access: 0
uses: [demo.dice, log.info]
args:
  type: object
  properties:
    times: {type: integer, minimum: 1, maximum: 20, default: 3}
---*/
// Keeps throwing until the dice show more than half of what they could.
let { sum } = await demo.dice(6, args.times);
while (sum <= 3 * args.times) ({ sum } = await demo.dice({ sides: 6, count: args.times }));
await log.info(`${sum} with ${args.times} dice`);
return { sum };
