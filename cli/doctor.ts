import { rfc3339 } from "../base/clock.ts";
import { X509Certificate } from "node:crypto";
import { LIMITS } from "../base/limits.ts";
import { JabberError, toErrorBody } from "../base/errors.ts";
import { sanitizeLine } from "../base/sanitize.ts";
import { currentApi, ServerRefusal } from "./api.ts";
import { currentContext, type OperatorContext } from "./context_file.ts";
import { EXIT } from "./exit.ts";
import { readAuthorKey } from "./keys.ts";
import { addFormat } from "./text/format_option.ts";
import { formatListing, moment } from "./text/output.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

const DAY_MS = 24 * 3600_000;

interface Check {
  what: string;
  /** The check without which this one says nothing new. */
  after?: string;
  /** Says what was found. @throws what is wrong */
  look(): Promise<string>;
}

/** What came of a check. */
type Finding = { check: string; state: "ok" | "FAIL" | "skip"; found: string; next?: string };

export const doctorVerb: Register = (program, world, slot) => {
  addFormat(program.command("doctor"))
    .description("Checks what this command needs: key, context, CA, server, clock, credentials.")
    .addHelpText("after", "\nExample:\n  jabber doctor")
    .action(async ({ output }) => {
      const findings: Finding[] = [];
      for (const check of checks(world)) {
        const finding = await find(check, findings);
        findings.push(finding);
        if (finding.state === "FAIL") slot.exit = EXIT.failed;
        if (output === "table") world.out(findingText(finding));
      }
      if (output !== "table") {
        world.out(
          await formatListing({ rows: findings, columns: [], name: (row) => row.check.replace(" ", "-") }, output),
        );
      }
    });
};

async function find({ what, after, look }: Check, before: readonly Finding[]): Promise<Finding> {
  if (before.some(({ check, state }) => check === after && state !== "ok")) {
    return { check: what, state: "skip", found: `needs ${after}` };
  }
  try {
    return { check: what, state: "ok", found: await look() };
  } catch (cause) {
    const { message, next } = cause instanceof ServerRefusal ? cause : toErrorBody(cause);
    return { check: what, state: "FAIL", found: message, ...(next !== undefined && { next }) };
  }
}

function findingText({ check, state, found, next }: Finding): string {
  return `${state.padEnd(4)}  ${check}: ${sanitizeLine(found)}\n` + (next === undefined ? "" : `      → ${next}\n`);
}

function checks(world: World): Check[] {
  let context: OperatorContext | undefined;
  const known = async () => context ??= await currentContext(world);
  return [
    { what: "author key", look: async () => (await readAuthorKey(world, undefined)).public.kid },
    { what: "context", look: async () => `${(await known()).url} as ${(await known()).user}` },
    { what: "cluster CA", after: "context", look: async () => describeCa((await known()).ca, world.clock.now()) },
    { what: "server", after: "context", look: async () => describeServer(world, await known()) },
    { what: "certificates", after: "server", look: async () => describeCertificates(world, await known()) },
    {
      what: "credentials",
      after: "server",
      look: async () => {
        await (await currentApi(world)).ask({ method: "GET", path: "/v1/scripts" });
        return `good until ${moment((await known()).expires)}`;
      },
    },
  ];
}

function describeCa(pem: string | undefined, now: number): string {
  if (pem === undefined) return "none pinned; the public roots are used";
  const certificate = new X509Certificate(pem);
  const ends = Date.parse(certificate.validTo);
  if (ends < now) throw new Error(`the CA certificate ended on ${moment(rfc3339(ends))}`);
  return `until ${moment(rfc3339(ends))}`;
}

const PAPERS: Readonly<Record<string, string>> = {
  tls_certificate: "TLS certificate",
  node_statement: "node statement",
  ca_certificate: "CA certificate",
};

/** What the server says of its own papers: when the first of them ends. */
async function describeCertificates(world: World, context: OperatorContext): Promise<string> {
  const text = await (await world.fetch(`${context.url}/metrics`, {}, context.ca)).text();
  const ends = [...text.matchAll(/^jabber_(\w+)_ends_seconds (-?\d+)$/gm)].flatMap(([, name = "", seconds]) => {
    const title = PAPERS[name];
    return title === undefined ? [] : [{ title, leftMs: Number(seconds) * 1000 }];
  });
  const soon = ends.filter(({ leftMs }) => leftMs < LIMITS.certificateWarnMs);
  const all = (some: typeof ends) =>
    some.map(({ title, leftMs }) => `${title} for ${Math.floor(leftMs / DAY_MS)} days`).join(", ");
  if (ends.length === 0) return "the server does not say how long they are good";
  if (soon.length === 0) return all(ends);
  throw new JabberError("server.ends_soon", `good are its ${all(soon)}`);
}

async function describeServer(world: World, context: OperatorContext): Promise<string> {
  const sent = world.clock.now();
  const response = await world.fetch(`${context.url}/readyz`, {}, context.ca);
  const text = (await response.text()).trim();
  if (!response.ok) throw new Error(`not ready: ${text}`);
  const date = Date.parse(response.headers.get("date") ?? "");
  const skew = Math.abs(date - (sent + world.clock.now()) / 2);
  // The header counts whole seconds.
  if (skew > LIMITS.clockSkewMsMax) {
    throw new Error(`ready, but its clock and this one differ by ${Math.round(skew / 1000)} s`);
  }
  return `${text}, clocks agree`;
}
