import { WIRE_LIMITS } from "./limits/wire.ts";
import { JOB_LIMITS } from "./limits/jobs.ts";
import { AGENT_LIMITS } from "./limits/agent.ts";
import { SERVER_LIMITS } from "./limits/server.ts";
import { GOSSIP_LIMITS } from "./limits/gossip.ts";
import { CATALOG_LIMITS } from "./limits/catalog.ts";
import { CONSOLE_LIMITS } from "./limits/console.ts";

/**
 * Every bound of the product, each with its unit in its name and its reason behind it. The tables stand by domain under
 * `limits/`, a name in one of them only. A queue without a row there is a defect.
 */
export const LIMITS = {
  ...WIRE_LIMITS,
  ...JOB_LIMITS,
  ...AGENT_LIMITS,
  ...SERVER_LIMITS,
  ...GOSSIP_LIMITS,
  ...CATALOG_LIMITS,
  ...CONSOLE_LIMITS,
} as const;
