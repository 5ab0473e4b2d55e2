import { VERSION } from "./version.ts";

/** What a program may be granted; one name for each family of system access. */
export const PERMISSION_NAMES = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;
export type PermissionName = typeof PERMISSION_NAMES[number];

/** Every environment variable the programs read; a final `*` stands for any ending. The build grants no others. */
export const ENV_NAMES = [
  "JABBER_*",
  "HOME",
  "USERPROFILE",
  "APPDATA",
  "XDG_*",
  "NO_COLOR",
  "TERM",
  "LANG",
  "LC_*",
  "INK_SCREEN_READER",
  "COLUMNS",
  "SSL_CERT_FILE",
  // base/roots_system.ts sets these two.
  "DENO_TLS_CA_STORE",
  "DENO_CERT",
  // base/proxies_system.ts removes these, under both spellings.
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
] as const;

/** Every kind of host facts the programs read. The build grants no others. */
export const SYS_KINDS = [
  "hostname",
  "osRelease",
  "osUptime",
  "loadavg",
  "networkInterfaces",
  "systemMemoryInfo",
  "uid",
  "gid",
] as const;

/** How much of a family, or of one named part of it, a program holds; `prompt` means none, since no program asks. */
export type PermissionState = "granted" | "denied" | "prompt";

/** Asks the runtime; without `part` for the whole family, with it for one variable of `env` or one kind of `sys`. */
export type PermissionQuery = (name: PermissionName, part?: string) => PermissionState;

const PARTS: Partial<Record<PermissionName, readonly string[]>> = { env: ENV_NAMES, sys: SYS_KINDS };

/**
 * What `--version` prints: the program's name and version, then the permissions it was compiled with, so that anybody
 * can check the walls of the file in their hands. A grant of single paths, hosts or programs does not show.
 */
export function describeProgram(name: string, query: PermissionQuery): string {
  const held: string[] = [];
  const none: string[] = [];
  for (const permission of PERMISSION_NAMES) {
    const parts = (PARTS[permission] ?? []).filter((part) => query(permission, part) === "granted");
    if (query(permission) === "granted") held.push(permission);
    else if (parts.length > 0) held.push(`${permission} (${parts.join(" ")})`);
    else none.push(permission);
  }
  return [
    `${name} ${VERSION}`,
    `may use: ${held.join(", ") || "nothing"}`,
    `may not use: ${none.join(", ") || "nothing"}`,
  ].join("\n");
}
