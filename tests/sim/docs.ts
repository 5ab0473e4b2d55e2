/** Writes docs/simulator.md from the simulator's tables: `./denow run -A tests/sim/docs.ts` */
import { markdownTable } from "../../build/docs_protocol.ts";
import { inRepository, writeWhole } from "../../build/shell.ts";
import { CHECKS } from "./checks/failure.ts";
import { FAULTS } from "./faults/profile.ts";
import { USAGE } from "./main.ts";
import { CLUSTER_PLANTS } from "./plants/cluster.ts";
import { AGENT_PLANTS } from "./plants/agent.ts";
import { JOB_PLANTS } from "./plants/jobs.ts";
import { SERVER_PLANTS } from "./plants/server.ts";
import { type Regression, REGRESSIONS } from "./regressions.ts";
import { replayOf } from "./sim.ts";

export const SIMULATOR_PAGE = "docs/simulator.md";

const INTRODUCTION = `# The simulator

A whole fleet in one process: the real cores of servers and agents on a simulated clock, network and disk. One seed
makes one history, to the last word of it, so that a failure is seen again with the one line it prints:

\`\`\`
${USAGE.trim()}
\`\`\`

Three things that know nothing of each other (\`tests/sim/\`):

- **Workload** (\`workload/\`): operators who sign, submit, cancel and ask, at any server; a thief who sends on, to
  agents, what was ever signed, and what nobody signed.
- **Faults** (\`faults/\`): drawn once from the seed, let loose until the heal.
- **Checkers** (\`checks/\`): always on. They judge by what the disks made durable and by the register of what people
  wrote, never by what a core says of itself.

First everything may go wrong, and only safety is asked for. Then all is healed, and everything must come to its end
within 45 simulated minutes. The nodes' drivers stand in \`nodes/\`, clock, disks and networks in \`world/\`.

An agent has its home on one server, and stays with it. The servers of a fleet are a cluster: their real membership,
catalog and facts say real packets to each other. Some servers are home to no agent; these may lose their disks, die for
good, and have clocks that are wrong by hours, one of them by a year. With \`--agents 0\` all servers are such, and many
worlds cost little.`;

/** The page as the tables say. */
export function simulatorPage(): string {
  const plants = [...SERVER_PLANTS, ...AGENT_PLANTS, ...JOB_PLANTS, ...CLUSTER_PLANTS];
  return [
    INTRODUCTION,
    "Made from the tables in `tests/sim/` by `tests/sim/docs.ts`.",
    "## Faults",
    "A seed draws how often each comes, from never to all the time. The last ones only a fleet has (`--servers`). The longer\n" +
    "a fleet's world lasts, the rarer they are and the longer they last.",
    markdownTable(["name", "what happens"], Object.entries(FAULTS).map(([name, says]) => [`\`${name}\``, says])),
    "## Checks",
    markdownTable(["name", "what is promised"], Object.entries(CHECKS).map(([name, says]) => [`\`${name}\``, says])),
    "## Planted bugs",
    "Each is put into a core by a thin coat around it (`plants/`), never in the product, and must be noticed by one of the\n" +
    "checks named.",
    markdownTable(["bug", "noticed by"], plants.map(({ bug, seenBy }) => [bug, seenBy.map(code).join(", ")])),
    "## Worlds that found bugs",
    "They are run for ever. Every change of a core gives its worlds another history, so tests beside the cores hold what they\n" +
    "found as well.",
    markdownTable(["found", "replay"], REGRESSIONS.map((one) => [one.found, code(replayOf(worldOf(one)))])),
  ].join("\n\n") + "\n";
}

function code(text: string): string {
  return `\`${text}\``;
}

function worldOf({ found: _, ...world }: Regression) {
  return world;
}

if (import.meta.main) await writeWhole(inRepository(SIMULATOR_PAGE), new TextEncoder().encode(simulatorPage()));
