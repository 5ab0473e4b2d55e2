/** `jabber job rm`: the signed end of a job. */
import { JabberError } from "../../base/errors.ts";
import { sanitizeLine } from "../../base/sanitize.ts";
import { composeJob, sign } from "../../wire/sign/mod.ts";
import type { Api } from "../api.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { readAuthorKey } from "../keys.ts";
import { agentsText } from "../run/attach.ts";
import type { World } from "../world.ts";
import { submitJob } from "./apply.ts";
import { findJob } from "./files.ts";

export interface CancelOptions {
  key: string | undefined;
  yes: boolean;
}

/** Makes, signs and applies a cancellation with the next serial. @throws `input.not_found`, `input.usage`, `key.*` */
export async function cancelJob(world: World, api: Api, id: string, options: CancelOptions): Promise<ExitCode> {
  const known = (await findJob(api, id))?.job;
  if (known === undefined) throw new JabberError("input.not_found", `job ${JSON.stringify(id)}`);
  if (known.state === "cancelled") {
    world.err(`${id} is cancelled already\n`);
    return EXIT.done;
  }
  const key = await readAuthorKey(world, options.key);
  const fields = { id, cluster: api.context.cluster, serial: known.serial + 1, cancelled: true };
  const bytes = sign(composeJob(fields), "job", key, { at: world.clock.now() });
  const { targets } = await submitJob(api, bytes, true);
  world.err(`${id}: serial ${known.serial} → ${known.serial + 1}, ends on ${agentsText(targets)}\n`);
  if (!options.yes) {
    if (!world.canAsk) throw new JabberError("input.usage", "nobody can be asked here; add --yes to cancel it");
    const typed = await world.ask("Cancel it? Type the job's name: ", { secret: false });
    if (typed.trim() !== id) {
      world.err("nothing was changed\n");
      return EXIT.failed;
    }
  }
  const { job } = await submitJob(api, bytes, false);
  world.err(`cancelled ${sanitizeLine(job.id)}\n`);
  world.out(`${sanitizeLine(job.id)}\n`);
  return EXIT.done;
}
