/** What a program may have left behind: processes and files. */

/** The processes whose command line or environment names `text`, such as a folder of one's own. */
export function processesNaming(text: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      if (["cmdline", "environ"].some((file) => Deno.readTextFileSync(`/proc/${name}/${file}`).includes(text))) {
        found.push(Number(name));
      }
    } catch {
      // It ended meanwhile, or belongs to somebody else.
    }
  }
  return found;
}

/** The names of what lies in a folder, sorted. */
export function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
