/**
 * Transcripts of a cluster's life: commands, a line of dashes, then what the members saw meanwhile. A block ends with an
 * empty line; lines that begin with `#` are for the reader. The answers follow from the seed alone.
 *
 * Add a verb in `VERBS`; each is one command with its words.
 */
import assert from "node:assert/strict";
import type { SwimEffect } from "../../cluster/swim/contract.ts";
import type { Message } from "../../cluster/swim/messages.ts";
import { PRESETS } from "../../cluster/swim/presets.ts";
import { changeKey, type Members, startSealed, talkToAll } from "./keys.ts";
import { type Sighting, SwimWorld, WORLD_VERSIONS } from "../support/swim_world.ts";

const DASHES = "----";

/** What one transcript is played in. */
interface Stage {
  world: SwimWorld;
  /** What happened besides the sightings. */
  readonly events: Line[];
  /** What commands answer. */
  readonly answers: string[];
  /** Sightings before this were told already. */
  told: number;
  /** Those who talk under seals. */
  readonly sealed: Members;
}

interface Line {
  readonly at: number;
  readonly text: string;
}

type Verb = (stage: Stage, words: readonly string[]) => void;

/** "250ms", "2s", "3min" */
function parseMs(text: string | undefined): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min)$/.exec(text ?? "");
  assert(match !== null, `no time: ${text}`);
  return Number(match[1]) * { ms: 1, s: 1000, min: 60_000 }[match[2] as "ms" | "s" | "min"];
}

function word(words: readonly string[], index: number): string {
  const found = words[index];
  assert(found !== undefined, `a word is missing behind: ${words.join(" ")}`);
  return found;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** `suspect NAME INCARNATION FROM`, `dead …`, `alive NAME INCARNATION [PORT]` */
function parseRumour({ world }: Stage, words: readonly string[]): Message {
  const [type, node, incarnation, last] = [word(words, 0), word(words, 1), Number(word(words, 2)), words[3]];
  if (type === "suspect" || type === "dead") return { type, node, incarnation, from: last ?? node };
  assert.equal(type, "alive", "a rumour is alive, suspect or dead");
  const { endpoint } = world.node(node);
  const port = Number(last ?? endpoint.port);
  return {
    type,
    node,
    incarnation,
    endpoint: { ...endpoint, port },
    meta: new Uint8Array(),
    versions: WORLD_VERSIONS,
  };
}

export const VERBS: Readonly<Record<string, Verb>> = {
  /** `cluster lan seed 7`: what follows is a new world. */
  cluster(stage, words) {
    const preset = word(words, 0) as keyof typeof PRESETS;
    assert(preset in PRESETS, `no preset ${preset}`);
    stage.world = new SwimWorld({ seed: Number(word(words, 2)), settings: PRESETS[preset] });
    stage.told = 0;
    stage.world.watch = (name, effect) => {
      const line = effectLine(effect);
      const at = stage.world.now;
      if (line !== undefined) stage.events.push({ at, text: `${seconds(at)}  ${name}: ${line}` });
    };
  },
  start: ({ world }, words) => words.forEach((name) => world.add(name)),
  /** `join b a`: b asks a. */
  join: ({ world }, words) => world.join(word(words, 0), ...words.slice(1)),
  crash: ({ world }, words) => words.forEach((name) => world.crash(name)),
  /** `restart a [at PORT]`: remembers nothing. */
  restart({ world }, words) {
    const { endpoint } = world.node(word(words, 0));
    const changed = words[1] === "at" ? { endpoint: { ...endpoint, port: Number(word(words, 2)) } } : {};
    world.restart(word(words, 0), changed);
  },
  leave: ({ world }, words) => words.forEach((name) => world.leave(name)),
  /** The process stands still. */
  block: ({ world }, words) => words.forEach((name) => world.block(name)),
  unblock: ({ world }, words) => words.forEach((name) => world.unblock(name)),
  /** Nothing passes from the first to the second. */
  cut: ({ world }, words) => world.cut(word(words, 0), word(words, 1)),
  mend: ({ world }, words) => world.mend(word(words, 0), word(words, 1)),
  /** `partition a b | c d e` */
  partition({ world }, words) {
    world.partition(...words.join(" ").split("|").map((group) => group.trim().split(" ")));
  },
  heal: ({ world }) => world.heal(),
  /** `loss 20%` */
  loss: ({ world }, words) => void (world.loss = Number(word(words, 0).replace("%", "")) / 100),
  run: ({ world }, words) => world.run(parseMs(word(words, 0))),
  /** `repeat 5 cut a b, run 2s, mend a b, run 2s` */
  repeat(stage, words) {
    const commands = words.slice(1).join(" ").split(",");
    for (let i = 0; i < Number(word(words, 0)); i++) for (const command of commands) perform(stage, command.trim());
  },
  /** `rumour a dead b 3 c`: a hears it in a packet. */
  rumour(stage, words) {
    const name = word(words, 0);
    const from = { address: "10.9.9.9", port: 7946 };
    stage.world.tell(name, { type: "packet", from, messages: [parseRumour(stage, words.slice(1))] });
  },
  /** `until agreed 60s`: those who run hold each other alive, and nobody else. */
  until({ world, answers }, words) {
    assert.equal(word(words, 0), "agreed");
    const took = world.runUntil(() => world.agrees(), parseMs(word(words, 1)));
    answers.push(took === undefined ? `${seconds(world.now)}  they do not agree` : `${seconds(world.now)}  all agree`);
  },
  /** What each one who runs holds of everybody, equal views together. */
  view({ world, answers }) {
    const byView = new Map<string, string[]>();
    for (const name of world.running()) {
      const members = [...world.node(name).core.members()].sort((a, b) => a.name < b.name ? -1 : 1);
      const view = members.map((member) => `${member.name} ${member.state} ${member.incarnation}`).join(", ");
      byView.set(view, [...byView.get(view) ?? [], name]);
    }
    for (const [view, names] of byView) answers.push(`${names.join(" ")} | ${view}`);
  },
  sealed: ({ sealed }, words) => startSealed(sealed, words),
  key: ({ sealed, answers }, words) => void answers.push(...changeKey(sealed, words)),
  talk: ({ sealed, answers }) => void answers.push(...talkToAll(sealed)),
  health({ world, answers }) {
    answers.push(world.running().map((name) => `${name} ${world.node(name).core.health()}`).join(", "));
  },
};

function effectLine(effect: SwimEffect): string | undefined {
  switch (effect.do) {
    case "left":
      return "its leaving is told";
    case "joined": {
      const errors = effect.errors.length === 0 ? "" : ` (${effect.errors.join(", ")})`;
      return `asked to join, reached ${effect.reached}${errors}`;
    }
    case "conflict":
      return `conflict: ${effect.member.name} at port ${effect.member.endpoint.port}, and at ${effect.other.port}`;
    case "count":
      return effect.name === "absences" ? "was away, and doubts itself first" : undefined;
    default:
      return undefined;
  }
}

/** Sightings of one thing in one line, in the order of the first. */
function sightingLines(sightings: readonly Sighting[]): Line[] {
  const groups = new Map<string, Sighting[]>();
  for (const sighting of sightings) {
    const key = `${sighting.name} ${sighting.change} ${sighting.incarnation}`;
    groups.set(key, [...groups.get(key) ?? [], sighting]);
  }
  return [...groups.values()].map((group) => {
    const { at, name, change, incarnation } = group[0]!;
    const last = seconds(group.at(-1)!.at);
    const when = seconds(at) === last ? last : `${seconds(at)} to ${last}`;
    const observers = [...new Set(group.map(({ observer }) => observer))].sort().join(" ");
    return { at, text: `${when}  ${observers}: ${name} ${change} (${incarnation})` };
  });
}

function perform(stage: Stage, command: string): void {
  const [verb, ...words] = command.split(/ +/);
  const run = VERBS[verb ?? ""];
  assert(run !== undefined, `no command ${verb}`);
  run(stage, words);
}

/** Plays a transcript and writes it anew, with the answers as they are now. */
export function play(text: string): string {
  const stage: Stage = { world: new SwimWorld({ seed: 1 }), events: [], answers: [], told: 0, sealed: new Map() };
  const blocks = text.trimEnd().split(/\n\n+/).map((block) => {
    const lines = block.split("\n");
    const end = lines.indexOf(DASHES);
    const commands = end < 0 ? lines : lines.slice(0, end);
    for (const line of commands) if (!line.startsWith("#")) perform(stage, line);
    if (commands.every((line) => line.startsWith("#"))) return block;
    const { sightings } = stage.world;
    const seen = [...sightingLines(sightings.slice(stage.told)), ...stage.events.splice(0)];
    const answers = [...seen.sort((a, b) => a.at - b.at).map(({ text }) => text), ...stage.answers.splice(0)];
    stage.told = sightings.length;
    return [...commands, DASHES, ...answers.length === 0 ? ["nothing is seen"] : answers].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}
