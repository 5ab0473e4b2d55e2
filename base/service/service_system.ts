/**
 * `service install|uninstall`: writes and removes the unit (see unit.ts), and says what to run next. It starts nothing:
 * the server may not, and an agent that is being installed has no business to.
 */
import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { JabberError } from "../errors.ts";
import { installSteps, type ServicePlan, UNIT_MARK, unitName, unitText } from "./unit.ts";

export interface ServiceFlags {
  action: "install" | "uninstall";
  print: boolean;
  user: string;
  config: string;
  data: string;
}

/** What one program adds. */
export type ServiceMore = Pick<ServicePlan, "role" | "writable" | "stopSeconds" | "port"> & {
  /** Handed to the service's user; holds the keys. */
  folderOfKeys?: string;
};

/** Reads what stands behind `service`. @throws TypeError (usage), `input.usage` */
export function serviceFlags(program: string, args: readonly string[]): ServiceFlags {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      print: { type: "boolean", default: false },
      user: { type: "string", default: program },
      config: { type: "string", default: `/etc/jabberwocky/${program}.yaml` },
      data: { type: "string", default: `/var/lib/${program}` },
    },
  });
  const [action, ...more] = positionals;
  if ((action !== "install" && action !== "uninstall") || more.length > 0) {
    throw new JabberError("input.usage", `\`${program} service\` takes "install" or "uninstall"`);
  }
  return { ...values, action, config: resolve(values.config), data: resolve(values.data) };
}

/** Where it is installed: the system itself, or a folder that stands for it. */
export interface ServicePlace {
  /** Of the file system, without a final slash. */
  root: string;
  executable(): string;
}

export const THIS_HOST: ServicePlace = { root: "", executable: ownExecutable };

/** Answers what to print. @throws `service.*`, `config.invalid`, `file.unreadable`, `program.unsupported` */
export function service(
  program: string,
  flags: ServiceFlags,
  more: ServiceMore,
  { root, executable }: ServicePlace = THIS_HOST,
): string {
  const unit = `${root}/etc/systemd/system/${unitName(program)}`;
  if (flags.action === "uninstall") return uninstall(program, unit, root);
  const { folderOfKeys, ...rest } = more;
  const plan: ServicePlan = {
    program,
    executable: executable(),
    config: flags.config,
    data: flags.data,
    user: flags.user,
    ...rest,
  };
  const text = unitText(plan);
  if (flags.print) return text.trimEnd();
  demandSystemd(root);
  const before = read(unit);
  if (before !== undefined && !before.startsWith(UNIT_MARK)) throw new JabberError("service.exists", `"${unit}"`);
  write(unit, text);
  const steps = installSteps(plan, folderOfKeys).map((step) => `  ${step}`);
  return [`Wrote ${unit}. Now run, as root:`, "", ...steps].join("\n");
}

function uninstall(program: string, unit: string, root: string): string {
  demandSystemd(root);
  const before = read(unit);
  if (before === undefined) throw new JabberError("input.not_found", `"${unit}"`);
  if (!before.startsWith(UNIT_MARK)) throw new JabberError("service.exists", `"${unit}"`);
  const wanted = `${root}/etc/systemd/system/multi-user.target.wants/${unitName(program)}`;
  for (const path of [wanted, unit]) remove(path);
  const steps = [`systemctl stop ${program}`, "systemctl daemon-reload"].map((step) => `  ${step}`);
  return [`Removed ${unit}; data and configuration stay. Now run, as root:`, "", ...steps].join("\n");
}

/** A unit that starts the toolchain would be none. */
function ownExecutable(): string {
  if (Deno.build.standalone) return Deno.execPath();
  throw new JabberError("program.unsupported", "this runs from source, a service is a compiled program");
}

/** What sd_booted(3) looks for. @throws `service.no_manager` */
function demandSystemd(root: string): void {
  try {
    if (Deno.statSync(`${root}/run/systemd/system`).isDirectory) return;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  throw new JabberError("service.no_manager");
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new JabberError("file.unreadable", `"${path}": run this as root`, undefined, { cause });
  }
}

function write(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o644 });
    // Whatever umask this runs under.
    Deno.chmodSync(`${path}.new`, 0o644);
    Deno.renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new JabberError("file.unreadable", `"${path}": run this as root`, undefined, { cause });
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw new JabberError("file.unreadable", `"${path}": run this as root`, undefined, { cause });
  }
}
