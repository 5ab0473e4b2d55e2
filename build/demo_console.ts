/** The demo's second half: a job on its own clock, a run that goes on, and the console to see both. */
import type { Fleet } from "../tests/support/fleet.ts";
import { binary } from "../tests/support/program.ts";

/** Writes and signs a job file. @returns its path */
export async function scheduleJob(fleet: Fleet): Promise<string> {
  const path = `${fleet.folder}/host-facts.yaml`;
  const { out } = await fleet.must(
    ...[
      "job",
      "new",
      "host-facts",
      "--does",
      "sys.facts",
      "--cron",
      "*/5 * * * * *",
      "-l",
      "env=demo",
      "--until",
      "1d",
    ],
  );
  await Deno.writeTextFile(path, out);
  await fleet.must("job", "sign", path);
  return path;
}

/** Starts following the file on every host, and leaves that running. */
export async function watchLog(fleet: Fleet, file: string): Promise<void> {
  await fleet.must("run", "--detach", "-l", "env=demo", "fs.tail", file);
}

/** Until whoever looks leaves it. */
export async function openConsole(fleet: Fleet): Promise<void> {
  const console = new Deno.Command(binary("jabber-tui"), {
    env: { ...fleet.env },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  await console.status;
}
