/**
 * The text of a systemd unit, as a pure function of who runs what where. What it closes, and why what stays open does:
 *
 *   MemoryDenyWriteExecute  stays off: V8 and WebAssembly make machine code while they run
 *   AF_NETLINK              how the C library lists network interfaces
 *   WatchdogSec             left out: the programs do not notify; a dead thread ends them with 75
 *   agent: ProtectProc      left out, so that `ps` sees the host's processes
 *   agent: @privileged      not filtered by call: programs of the allowlist may try, and get a plain "not permitted"
 */
import { JabberError } from "../errors.ts";

export interface ServicePlan {
  /** The executable's name, which becomes the unit's; own agents have their own. */
  program: string;
  role: "agent" | "server";
  /** Absolute paths. */
  executable: string;
  config: string;
  data: string;
  user: string;
  /** Folders besides the data folder that it may write to. */
  writable: readonly string[];
  /** The server's port. */
  port?: number;
  /** How long it may take to stop, seconds. */
  stopSeconds: number;
}

/** The first line of every unit of ours: what has it may be replaced and removed. */
export const UNIT_MARK = "# Made by `service install`; what you change here is lost at the next one.";
const STATE_FOLDER = "/var/lib/";
/** Ports below this one need a capability. */
const PORTS_FREE = 1024;

/** The unit's name. */
export function unitName(program: string): string {
  return `${program}.service`;
}

/** @throws `config.invalid` for a path or user that cannot stand in a unit */
export function unitText(plan: ServicePlan): string {
  const { program, user, data } = plan;
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) {
    throw new JabberError("config.invalid", `--user: ${JSON.stringify(user)} is no user's name`);
  }
  const command = `${quoted(plan.executable)} --config ${quoted(plan.config)} --data ${quoted(data)}`;
  return [
    UNIT_MARK,
    `# Yours go into \`systemctl edit ${program}\`.`,
    "[Unit]",
    `Description=Jabberwocky ${plan.role}`,
    "Wants=network-online.target",
    "After=network-online.target",
    "# It is started again for as long as it takes: nobody may be near this host.",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `ExecStart=${command}`,
    "# What may change while it runs is read again.",
    "ExecReload=/bin/kill -HUP $MAINPID",
    `User=${user}`,
    `Group=${user}`,
    "Restart=always",
    "RestartSec=5",
    "# 75: a thread died, or the policy changed.",
    "RestartForceExitStatus=75",
    "SuccessExitStatus=75",
    `TimeoutStopSec=${plan.stopSeconds}`,
    "UMask=0077",
    ...places(plan),
    ...(plan.role === "agent" ? ofAgent() : ofServer(plan.port)),
    ...COMMON,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

const COMMON: readonly string[] = [
  "NoNewPrivileges=yes",
  "ProtectSystem=strict",
  "PrivateTmp=yes",
  "PrivateDevices=yes",
  "DevicePolicy=closed",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "LockPersonality=yes",
  "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RemoveIPC=yes",
  "SystemCallArchitectures=native",
  "# Keys lie in its memory.",
  "LimitCORE=0",
];

function places({ data, config, executable, writable }: ServicePlan): string[] {
  const below = data.startsWith(STATE_FOLDER) ? data.slice(STATE_FOLDER.length) : "";
  const state = /^[\w.-]+$/.test(below) ? [`StateDirectory=${below}`, "StateDirectoryMode=0700"] : [];
  const others = state.length > 0 ? writable : [data, ...writable];
  const needsHome = [config, executable, data, ...writable].some((path) => /^\/(?:home|root|run\/user)\//.test(path));
  return [
    ...state,
    ...(others.length > 0 ? [`ReadWritePaths=${others.map(quoted).join(" ")}`] : []),
    `ProtectHome=${needsHome ? "read-only" : "yes"}`,
  ];
}

function ofAgent(): string[] {
  return [
    "# What it stops by itself gets the time for that; what is left after it goes.",
    "KillMode=mixed",
    "# A program of the allowlist that eats the memory must not take the agent along.",
    "OOMPolicy=continue",
    "LimitNOFILE=8192",
    "# All that is closed here is closed for the programs of the allowlist too. What one of them needs is opened with",
    "# `systemctl edit`: ReadWritePaths=/srv/app for a folder (those of `policy.files.write` are here already), or",
    "# CapabilityBoundingSet=CAP_… with AmbientCapabilities=CAP_…. Programs with the setuid bit, sudo among them, get",
    "# no other rights here whatever is opened alone: the filters rule that out.",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
  ];
}

function ofServer(port: number | undefined): string[] {
  const low = port !== undefined && port > 0 && port < PORTS_FREE;
  return [
    "# One for each agent and reader, with room.",
    "LimitNOFILE=262144",
    `CapabilityBoundingSet=${low ? "CAP_NET_BIND_SERVICE" : ""}`,
    `AmbientCapabilities=${low ? "CAP_NET_BIND_SERVICE" : ""}`,
    ...(low ? [] : ["PrivateUsers=yes"]),
    "ProtectProc=invisible",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
  ];
}

/** What somebody has to run next; the programs themselves may not, or must not, start `systemctl`. */
export function installSteps(plan: ServicePlan, folderOfKeys: string | undefined): string[] {
  const { program, user, data } = plan;
  const isState = data === `${STATE_FOLDER}${program}`;
  return [
    `id ${user} >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin ${user}`,
    ...(isState ? [] : [`install -d -m 0700 -o ${user} -g ${user} ${shell(data)}`]),
    ...(folderOfKeys === undefined ? [] : [`chown -R ${user}:${user} ${shell(folderOfKeys)}`]),
    "systemctl daemon-reload",
    `systemctl enable --now ${program}`,
  ];
}

/** For systemd's own quoting: no specifiers, no variables. @throws `config.invalid` */
function quoted(path: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is refused
  if (!path.startsWith("/") || /[\x00-\x1f\x7f]/.test(path)) {
    throw new JabberError(
      "config.invalid",
      `${JSON.stringify(path)} cannot stand in a unit: it takes an absolute path`,
    );
  }
  const escaped = path.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./%+:@-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function shell(path: string): string {
  return /^[\w./+:@-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
