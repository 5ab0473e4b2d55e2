/**
 * A configuration that is read again while its program runs. A text with a fault changes nothing: it is said in one line
 * and counted. Otherwise every key that changed has one of three fates: `live` keys are taken over; keys that walls are
 * made of end the program, so that it starts anew; the others are named as needing a restart, and keep their old value.
 */
import type { Log } from "../log.ts";
import { type Fault, FAULTS_TOLD_MAX, faultText } from "./faults.ts";
import { nest, type Reading } from "./read.ts";
import type { ConfigOf, Table } from "./table.ts";

export interface ReloadDeps<T extends Table> {
  table: T;
  /** What the program runs with. */
  current: Reading<T>;
  /** Lays the text under the variables and flags that the program was started with. */
  read(text: string): Reading<T> | Promise<Reading<T>>;
  log: Log;
  /** Takes the live keys over. The configuration holds the new values of the live keys and the old ones of all others. */
  apply(config: ConfigOf<T>, changed: ReadonlySet<string>): void;
  /** A key that walls are made of has changed. */
  restart?(keys: readonly string[]): void;
  /** One more text that was not taken over. */
  onFault(): void;
}

export interface Reload {
  /** A new text of the file; `null` when it cannot be read. One after the other, whatever is called meanwhile. */
  take(text: string | null): Promise<void>;
}

export function createReload<T extends Table>(deps: ReloadDeps<T>): Reload {
  let values = deps.current.values;
  let last = Promise.resolve();
  let refused = 0;
  const refuse = (faults: readonly Fault[]): void => {
    refused++;
    deps.onFault();
    const told = faults.slice(0, FAULTS_TOLD_MAX).map(faultText);
    deps.log("error", "the configuration has faults and was not taken over; the old one stays", {
      faults: told.join("; "),
      count: faults.length,
      refused,
    });
  };
  const takeOver = async (text: string | null): Promise<void> => {
    if (text === null) return refuse([UNREADABLE]);
    const next = await deps.read(text);
    if (next.faults.length > 0) return refuse(next.faults);
    const { live, restarts, later } = changes(deps.table, values, next.values);
    if (restarts.length > 0 && deps.restart !== undefined) return deps.restart(restarts);
    if (later.length > 0) deps.log("warn", "a change of the configuration needs a restart", { keys: later.join(" ") });
    if (live.length === 0) return void (later.length === 0 && deps.log("debug", "the configuration has not changed"));
    values = withChanges(values, next.values, live);
    // The table's own types, by the same rows that `readConfig` went by.
    deps.apply(nest(deps.table, values) as ConfigOf<T>, new Set(live));
    deps.log("info", "the configuration was taken over", { keys: live.join(" ") });
  };
  return {
    take: (text) =>
      last = last.then(() => takeOver(text)).catch((cause) => {
        refuse([{ ...UNREADABLE, what: `the configuration cannot be taken over: ${String(cause)}` }]);
      }),
  };
}

const UNREADABLE: Fault = {
  code: "config.missing",
  key: "",
  at: { kind: "default" },
  what: "the file cannot be read, or is too large",
};

interface Changes {
  live: string[];
  restarts: string[];
  later: string[];
}

function changes(table: Table, before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Changes {
  const found: Changes = { live: [], restarts: [], later: [] };
  for (const [path, row] of Object.entries(table)) {
    if (JSON.stringify(before.get(path)) === JSON.stringify(after.get(path))) continue;
    if (row.restarts === true) found.restarts.push(path);
    else if (row.live === true) found.live.push(path);
    else found.later.push(path);
  }
  return found;
}

function withChanges(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
  paths: readonly string[],
): Map<string, unknown> {
  const values = new Map(before);
  for (const path of paths) {
    if (after.has(path)) values.set(path, after.get(path));
    else values.delete(path);
  }
  return values;
}
