/**
 * Agents' sessions. The driver opens one when an agent has proved its key; see `SessionPhase` for its life.
 *
 * - A removed agent is refused. An unknown one is enrolled when it brought a join token, else it is pending: it may
 *   stay connected and shows up for approval, but nothing is stored of its records and nothing is asked of it. Approval
 *   hangs it up, so that it starts afresh.
 * - Of two sessions of one agent the newest stays (wire/identity/clone.ts says when that means two hosts).
 * - Silence for `silentIntervalsMax` alive intervals ends a session. One timer looks at all of them.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { escapeJson, isPlainLine } from "../../base/sanitize.ts";
import type { StreamExtent, StreamRange } from "../../base/store.ts";
import { type Envelope, PROTOCOL } from "../../wire/envelope.ts";
import { judgeNewcomer } from "../../wire/identity/clone.ts";
import type { BodyOf } from "../../wire/kinds.ts";
import { parseStream } from "../../wire/streams.ts";
import { agentOp, lastSeenOf, makeRoom, newAgent, noteJoin } from "./agents.ts";
import { endSession, leave } from "./closing.ts";
import type { AgentProof, ServerEvent } from "./contract.ts";
import { settleDecision, takeBack } from "./decisions.ts";
import { dispatchAgent } from "./delivery.ts";
import {
  announce,
  complain,
  count,
  hangUpSocket,
  log,
  persist,
  persistQuietly,
  readExtents,
  send,
  setTimer,
  share,
} from "./effects.ts";
import { shareEnrolment } from "./enrolment.ts";
import { historyOp } from "./history.ts";
import { forgetUnanswered, tellAll } from "./jobs/delivery.ts";
import { type Agent, type Core, interned, internedTags, type Session, type Tags } from "./state.ts";

export const LIVENESS_TIMER = "liveness";

export function openSession(core: Core, event: ServerEvent & { type: "agentOpened" }): void {
  try {
    admit(core, event.session, event.agent, event.proof);
  } catch (cause) {
    if (!(cause instanceof JabberError)) throw cause;
    count(core, "sessions_refused");
    log(core, "warn", "an agent was refused", {
      agent: event.agent.agent,
      code: cause.code,
      address: event.agent.address,
    });
    hangUpSocket(core, event.session, cause);
  }
}

function admit(core: Core, id: number, proof: AgentProof, welcome: string): void {
  if (core.draining) throw new JabberError("server.stopping");
  const known = core.agents.get(proof.agent);
  if (known?.state === "removed") throw new JabberError("agent.removed", JSON.stringify(known.id));
  if (known !== undefined && known.key !== proof.key) {
    throw new JabberError("agent.id_mismatch", JSON.stringify(known.id));
  }
  const { verdict, session: mark } = judgeNewcomer(known?.session?.mark, proof);
  if (verdict === "stale") throw new JabberError("agent.stale", `epoch ${proof.epoch}`);
  const joins = proof.token !== null && known?.state !== "enrolled";
  // The door has looked already, but many may come through it at once.
  if (joins && (core.joins.get(proof.token ?? "") ?? 0) >= (proof.tokenUses ?? Infinity)) {
    throw new JabberError("token.used_up");
  }
  if (known === undefined) makeRoom(core, proof.token === null);
  const agent = known ?? newAgent(core, proof.agent, proof.key, proof.token === null ? "pending" : "enrolled");
  const session: Session = {
    id,
    agent,
    phase: "opened",
    heard: core.now,
    heardSteady: core.steady,
    mark,
    proof: welcome,
    faults: 0,
    complaints: 0,
    running: 0,
    rttMs: undefined,
    muted: false,
    marks: null,
    conflicts: null,
  };
  const older = agent.session;
  agent.session = session;
  agent.address = proof.address;
  agent.lastSeen = core.now;
  core.sessions.set(id, session);
  if (older !== null) replace(core, older, verdict === "clone");
  const isNew = known === undefined;
  if (joins) {
    noteJoin(core, agent, proof.token!);
    agent.state = "enrolled";
    core.pending.delete(agent);
  }
  if (agent.state === "enrolled") {
    share(core, "agent", agent.id, { holder: core.deps.node, epoch: proof.epoch, proof: proof.claim });
  }
  if (joins || isNew || verdict === "clone") storeArrival(core, session, { isNew, joins, token: proof.token });
}

/** The newest stays. When two hosts share the identity, both are flagged: the flag stands on the agent they share. */
function replace(core: Core, older: Session, clone: boolean): void {
  const { agent } = older;
  if (clone) {
    if (!agent.flags.includes("clone")) agent.flags = [...agent.flags, "clone"];
    count(core, "clones");
    log(core, "warn", "two hosts run with one agent identity", { agent: agent.id, address: agent.address });
    announce(core, "agentCloned", { agent: agent.id, name: agent.name, address: agent.address });
  }
  endSession(core, older, new JabberError(clone ? "agent.clone" : "agent.stale"));
}

/** Whoever is not on disk does not stay: an enrolment that a crash forgets would have been a lie. */
function storeArrival(
  core: Core,
  session: Session,
  about: { isNew: boolean; joins: boolean; token: string | null },
): void {
  const { agent } = session;
  const { state } = agent;
  const ops = [agentOp(agent)];
  if (about.joins) {
    const deed = {
      who: agent.id,
      from: agent.address,
      action: "enrol agent",
      what: `${agent.id} with token ${about.token}`,
      outcome: "ok",
    };
    ops.push(historyOp(core, deed));
  }
  agent.decisions++;
  persist(core, ops, {
    persisted: () => {
      if (!settleDecision(agent, state) || state === "removed") return;
      const enrolled = state === "enrolled";
      announce(core, enrolled ? "agentEnrolled" : "agentPending", { agent: agent.id, address: agent.address });
      if (enrolled) shareEnrolment(core, agent, agent.id);
    },
    failed: (error) => {
      agent.decisions--;
      takeBack(core, agent);
      // It may have connected again meanwhile, on the strength of what is undone now.
      for (const one of [session, agent.session]) {
        if (one !== null) endSession(core, one, new JabberError("store.failed", error.message));
      }
    },
  });
}

/** @throws when the hello cannot be answered; the session ends with it */
export function takeHello(core: Core, session: Session, { body }: Envelope<"hello">): void {
  if (session.phase !== "opened") throw new JabberError("frame.malformed", "a second hello");
  const protocol = Math.min(PROTOCOL.max, body.protocol.max);
  if (protocol < Math.max(PROTOCOL.min, body.protocol.min)) {
    const theirs = `${body.protocol.min} to ${body.protocol.max}`;
    throw new JabberError(
      "frame.version",
      `the agent speaks ${theirs}, this server ${PROTOCOL.min} to ${PROTOCOL.max}`,
    );
  }
  const { agent } = session;
  for (const { stream } of body.streams) {
    if (parseStream(stream)?.agent !== agent.id) {
      throw new JabberError("frame.malformed", `stream ${JSON.stringify(stream)} is not this agent's`);
    }
  }
  // Whoever had its name before this was looked at keeps it; what shows it sanitises it.
  if (body.name !== agent.name && !isPlainLine(body.name)) {
    const what = "holds control characters, line ends or bidirectional controls; correct `name` in jabber-agent.yaml";
    throw new JabberError("frame.malformed", `the name ${escapeJson(JSON.stringify(body.name.slice(0, 80)))} ${what}`);
  }
  takeFacts(core, agent, body);
  session.phase = "greeted";
  if (agent.state !== "enrolled") {
    welcome(core, session, protocol, []);
    complain(core, session.id, new JabberError("agent.pending"));
    return;
  }
  if (body.streams.length === 0) return welcome(core, session, protocol, []);
  readExtents(core, body.streams.map(({ stream }) => stream), {
    extents: (extents) => {
      if (core.sessions.get(session.id) !== session) return;
      welcome(core, session, protocol, streamMarks(session, body.streams, extents));
    },
    failed: (error) => endSession(core, session, new JabberError("store.failed", error.message)),
  });
}

function welcome(core: Core, session: Session, protocol: number, streams: BodyOf<"welcome">["streams"]): void {
  const { node, cluster, version, settings } = core.deps;
  const { agent } = session;
  const { aliveEveryMs } = settings;
  session.phase = "ready";
  send(core, session, "welcome", {
    protocol,
    node,
    cluster,
    version,
    proof: session.proof,
    settings: { aliveEveryMs },
    streams,
  });
  session.proof = "";
  session.muted = agent.state !== "enrolled";
  announce(core, "agentConnected", { agent: agent.id, name: agent.name, address: agent.address, state: agent.state });
  if (agent.state !== "enrolled") return;
  tellAll(core, session);
  dispatchAgent(core, agent);
}

/** Name, tags and version, stored only when they changed: thousands of agents come back at once after a restart. */
function takeFacts(core: Core, agent: Agent, { name, tags, version }: BodyOf<"hello">): void {
  if (Object.keys(tags).length > LIMITS.tagsMax) {
    throw new JabberError("frame.malformed", `more than ${LIMITS.tagsMax} tags`);
  }
  if (agent.name === name && agent.version === version && sameTags(agent.tags, tags)) return;
  const isRenamed = agent.name !== name;
  agent.name = name;
  agent.version = interned(core, version);
  agent.tags = internedTags(core, tags);
  // When it was let in, its name was not known yet.
  const tell = isRenamed && core.deps.alone !== true ? () => shareEnrolment(core, agent, agent.id) : undefined;
  persistQuietly(core, [agentOp(agent)], tell);
}

function sameTags(a: Tags, b: Tags): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/**
 * What the store holds of the agent's streams without a hole, from the agent's own first record on. Where that is only
 * a part, its end is remembered, so that what the agent sends again is told from news.
 */
function streamMarks(
  session: Session,
  streams: BodyOf<"hello">["streams"],
  extents: readonly StreamExtent[],
): BodyOf<"welcome">["streams"] {
  const held = new Map(extents.map(({ stream, ranges }) => [stream, ranges]));
  return streams.map(({ stream, first, next }) => {
    const durable = endOfRange(held.get(stream) ?? [], first);
    if (first < durable && durable < next) (session.marks ??= new Map()).set(stream, durable);
    return { stream, next: durable };
  });
}

function endOfRange(ranges: readonly StreamRange[], first: number): number {
  return ranges.find(({ from, to }) => from <= first && first < to)?.to ?? first;
}

/** Ends silent sessions, and stores now and then when the others were last heard of. */
export function onLivenessTimer(core: Core): void {
  const every = core.deps.settings.aliveEveryMs;
  const silent = core.steady - LIMITS.silentIntervalsMax * every;
  const lagging: Agent[] = [];
  for (const session of core.sessions.values()) {
    const { agent } = session;
    if (session.heardSteady <= silent) {
      count(core, "sessions_silent");
      endSession(core, session, new JabberError("agent.silent", `for ${core.steady - session.heardSteady} ms`));
    } else if (lastSeenOf(agent) - agent.storedSeen >= LIMITS.lastSeenStoreEveryMs) {
      lagging.push(agent);
    }
  }
  storeLastSeen(core, lagging);
  forgetUnanswered(core);
  setTimer(core, LIVENESS_TIMER, core.now + every);
}

function storeLastSeen(core: Core, agents: readonly Agent[]): void {
  if (agents.length === 0) return;
  for (const agent of agents) agent.lastSeen = lastSeenOf(agent);
  persistQuietly(core, agents.map(agentOp));
}

/** The socket is gone. */
export function closeSession(core: Core, event: ServerEvent & { type: "agentClosed" }): void {
  const session = core.sessions.get(event.session);
  if (session !== undefined) leave(core, session, event.reason);
}

/** Lets every agent go; from here on nobody is let in. */
export function drain(core: Core): void {
  core.draining = true;
  setTimer(core, LIVENESS_TIMER, null);
  for (const session of [...core.sessions.values()]) endSession(core, session, new JabberError("server.stopping"));
}
