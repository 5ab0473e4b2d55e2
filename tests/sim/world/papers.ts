/**
 * The orders of a run of the simulator, honest and forged, and the truth about each: the checkers judge by this register,
 * never by what a core says.
 */
import { isDeepStrictEqual } from "node:util";
import { rfc3339 } from "../../../base/clock.ts";
import type { JsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import { UlidMaker } from "../../../base/ids.ts";
import { matches, parseSelector } from "../../../wire/selector.ts";
import { composeOrder, sign } from "../../../wire/sign/mod.ts";
import { type Cast, CLUSTER, type Host, type SimScript, UNSIGNED } from "./cast.ts";
import type { Dice } from "./clock.ts";

/** `ada` is trusted everywhere, `mallory` nowhere; `broken` no longer fits its text; `none` was never signed. */
export type Seal = "ada" | "mallory" | "broken" | "none";

/** One order and the truth about it. */
export interface Paper {
  readonly id: string;
  /** The document; empty for an unsigned order. */
  readonly text: string;
  readonly seal: Seal;
  /** `command:<key>` or `script:<hash>` */
  readonly does: string;
  readonly args: JsonObject;
  readonly selector: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly runs: "once" | "many";
}

/** What an agent is about to do. */
export interface Deed {
  order: string;
  work: { command: string } | { source: string };
  args: JsonObject;
  /** The agent's own clock. */
  now: number;
}

export interface Papers {
  /** Every order under an id; more than one when somebody used an id twice. */
  readonly issued: Map<string, Paper[]>;
  /** A fresh order, signed. @param now the signer's clock */
  write(seal: "ada" | "mallory", now: number, change?: Partial<Paper>): Paper;
  /** The same document with another selector: its signature no longer fits. */
  widen(paper: Paper): Paper;
  register(paper: Paper): void;
  /** Why nobody allowed this deed on that host; `undefined` when somebody did. */
  fault(host: Host, deed: Deed, unsigned: Paper | undefined): string | undefined;
}

const SELECTORS = ["", "env=prod", "env=test", "role=web", "env!=prod", "name=agent-1", "role in (web,db),env=test"];

export function createPapers(cast: Cast, dice: Dice): Papers {
  const ids = new UlidMaker(dice.fork());
  const issued = new Map<string, Paper[]>();
  let count = 0;

  const register = (paper: Paper): void => void issued.set(paper.id, [...issued.get(paper.id) ?? [], paper]);
  const scriptOf = (does: string): SimScript | undefined => cast.scripts.find(({ hash }) => does === `script:${hash}`);

  const write: Papers["write"] = (seal, now, change = {}) => {
    const paper = {
      id: ids.next(now),
      seal,
      does: dice.chance(0.5)
        ? `command:${dice.pick(["fs.read", "process.exec"])}`
        : `script:${dice.pick(cast.scripts).hash}`,
      args: { n: ++count },
      selector: dice.pick(SELECTORS),
      notBefore: wholeSeconds(now - dice.between(0, 60_000)),
      notAfter: wholeSeconds(now + dice.between(20_000, 8 * 60_000)),
      runs: dice.chance(0.1) ? "many" as const : "once" as const,
      ...change,
    };
    const key = seal === "ada" ? cast.ada : cast.mallory;
    const bytes = composeOrder({
      id: paper.id,
      cluster: CLUSTER,
      does: paper.does,
      args: paper.args,
      selector: paper.selector,
      notBefore: rfc3339(paper.notBefore).replace(".000", ""),
      notAfter: rfc3339(paper.notAfter).replace(".000", ""),
      runs: paper.runs,
      ...(dice.chance(0.2) && { timeout: dice.between(2, 30) }),
      ...(dice.chance(0.3) && { meta: { ticket: count } }),
    });
    const text = new TextDecoder().decode(sign(bytes, "order", key, { at: now }));
    const whole: Paper = { ...paper, text };
    register(whole);
    return whole;
  };

  return {
    issued,
    write,
    register,
    widen(paper) {
      const text = paper.text.replace(/^selector: .*$/m, 'selector: ""');
      const wide: Paper = { ...paper, text, seal: text === paper.text ? paper.seal : "broken", selector: "" };
      register(wide);
      return wide;
    },
    fault(host, deed, unsigned) {
      const known = [...issued.get(deed.order) ?? [], ...(unsigned === undefined ? [] : [unsigned])];
      if (known.length === 0) return "nobody ordered it";
      const faults = known.map((paper) => faultOf(paper, host, deed, scriptOf(paper.does)));
      return faults.includes(undefined) ? undefined : faults.join("; ");
    },
  };
}

/** Whether the selector means this host, by what its owner wrote. */
export function means(selector: string, host: Host): boolean {
  return matches(parseSelector(selector), { ...host.tags, id: host.id, name: host.name });
}

function faultOf(paper: Paper, host: Host, deed: Deed, script: SimScript | undefined): string | undefined {
  if (paper.seal === "mallory" || paper.seal === "broken") return `the signature is ${paper.seal}'s`;
  if (!means(paper.selector, host)) return `"${paper.selector}" does not mean this host`;
  if (deed.now >= paper.notAfter) return `it ended ${deed.now - paper.notAfter} ms ago`;
  if (deed.now < paper.notBefore - LIMITS.clockSkewMsMax) return "it has not begun";
  if (!isDeepStrictEqual(deed.args, paper.args)) return "the arguments are others";
  if ("command" in deed.work) {
    if (paper.does !== `command:${deed.work.command}`) return `it says ${paper.does}`;
    return paper.seal === "none" && !UNSIGNED.includes(deed.work.command) ? "the policy wants a signature" : undefined;
  }
  if (script === undefined || deed.work.source !== script.body) return `it says ${paper.does}`;
  if (!script.trusted) return "nobody who is trusted signed the script";
  if (script.env !== undefined && host.tags["env"] !== script.env) return "the script is not for this host";
  if (paper.seal !== "none") return undefined;
  return script.start === "open" && host.openScripts ? undefined : "the script wants a signed order";
}

/** Documents know no fractions of a second. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
