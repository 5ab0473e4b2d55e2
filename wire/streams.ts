/**
 * Stream names. An agent's records lie in `<agent>/log` (its own events) and `<agent>/<run>` (one per run).
 * When a server holds other content under a name (a restored snapshot), the agent opens the next incarnation: `…~1`, `…~2`.
 */

/** The stream of an agent's own events: refusals, connection, tags. */
export function agentStream(agent: string, incarnation: number): string {
  return `${agent}/log${suffix(incarnation)}`;
}

/** The stream of one run. */
export function runStream(agent: string, run: string, incarnation: number): string {
  return `${agent}/${run}${suffix(incarnation)}`;
}

// So many digits that no server can use them up, by claiming again and again that it holds other content.
const NAME = /^([a-z0-9-]{1,64})\/(log|[0-9A-HJKMNP-TV-Z]{26})(?:~([1-9][0-9]{0,14}))?$/;

/** The parts of a stream name; `undefined` when it is none. `run` is absent for an agent's own stream. */
export function parseStream(stream: string): { agent: string; run?: string; incarnation: number } | undefined {
  const found = NAME.exec(stream);
  if (found === null) return undefined;
  const agent = found[1]!;
  const incarnation = found[3] === undefined ? 0 : Number(found[3]);
  return found[2] === "log" ? { agent, incarnation } : { agent, run: found[2]!, incarnation };
}

/** Whether it is a valid name of one of the agent's streams. */
export function isStreamOf(agent: string, stream: string): boolean {
  return stream.startsWith(agent) && stream[agent.length] === "/" && NAME.test(stream);
}

/** The same stream, one incarnation on. @param stream a valid stream name */
export function nextIncarnation(stream: string): string {
  const cut = stream.lastIndexOf("~");
  return cut < 0 ? `${stream}~1` : `${stream.slice(0, cut)}~${Number(stream.slice(cut + 1)) + 1}`;
}

function suffix(incarnation: number): string {
  return incarnation === 0 ? "" : `~${incarnation}`;
}
