/**
 * `http.fetch`: one HTTP exchange with an address that the host's policy names, redirects included.
 *
 * Access 3: it can change things on the other side and carry away what a script has read, so a script with it is ordered
 * by a person who signs the arguments, unless its author says otherwise.
 */
import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host, HttpResponse } from "../host.ts";
import { asText } from "../process/text.ts";
import { type Hop, nextHop } from "./redirect.ts";

/** What decides how long a message is, or which connection it takes, is not the script's to say. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|keep-alive|proxy-.*)$/;

const headerName = z.string().check(
  z.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "is no name of a header"),
  z.refine((name) => !OWN_HEADERS.test(name.toLowerCase()), "is set by the agent itself"),
);
const headerValue = z.string().check(
  z.maxLength(LIMITS.httpHeaderCharsMax),
  z.regex(/^[\t\x20-\x7e\x80-\xff]*$/, "holds what no header may hold"),
);

const input = z.strictObject({
  url: z.string().check(z.minLength(1), z.maxLength(LIMITS.httpUrlCharsMax), z.describe("http: or https:")),
  method: z._default(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]), "GET")
    .check(z.describe("What to do")),
  headers: z._default(z.record(headerName, headerValue), {}).check(
    z.refine(
      (headers) => Object.keys(headers).length <= LIMITS.httpHeadersMax,
      `has more than ${LIMITS.httpHeadersMax}`,
    ),
    z.refine((headers) => JSON.stringify(headers).length <= LIMITS.httpHeaderCharsMax, "is too long"),
    z.describe("Names and values"),
  ),
  body: z._default(z.string().check(z.maxLength(LIMITS.httpRequestBytesMax)), "")
    .check(z.describe("Text; not with GET or HEAD")),
  timeoutMs: z._default(z.int().check(z.minimum(1), z.maximum(LIMITS.httpTimeoutMsMax)), 30_000)
    .check(z.describe("For everything, redirects and body included")),
  maxBytes: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.httpBodyBytesMax)), 256 * 1024)
    .check(z.describe("Of the answer's body, unpacked")),
  redirects: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.httpRedirectsMax)), LIMITS.httpRedirectsMax)
    .check(z.describe("How many to follow; 0 answers the first one")),
});
type Input = z.infer<typeof input>;

const answer = {
  status: z.int(),
  url: z.string().check(z.describe("Where the answer came from")),
  headers: z.record(z.string(), z.string()),
};
const result = z.union([
  z.strictObject({ ...answer, text: z.string() }),
  z.strictObject({ ...answer, base64: z.base64() }),
]);

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, { signal }: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const until = host.monotonic() + input.timeoutMs;
  let hop = firstHop(input);
  for (let followed = 0;; followed++) {
    const timeoutMs = Math.ceil(until - host.monotonic());
    if (timeoutMs <= 0) throw new JabberError("http.timeout", `${input.timeoutMs} ms`);
    const response = await host.http.request({ ...hop, url: hop.url.href, timeoutMs }, signal);
    try {
      const next = input.redirects === 0 ? undefined : nextHop(hop, response);
      if (next === undefined) {
        const result = await resultOf(hop, response, input.maxBytes);
        return { ok: response.status < 400, result };
      }
      if (followed === input.redirects) {
        throw new JabberError("http.redirect", `more than ${input.redirects}; the last led to ${next.url.origin}`);
      }
      hop = next;
    } finally {
      response.close();
    }
  }
}

function firstHop({ url: text, method, headers, body }: Input): Hop {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new JabberError("input.invalid", "http.fetch args.url: is no http: or https: URL");
  }
  if (url.username !== "" || url.password !== "") {
    throw new JabberError("input.invalid", "http.fetch args.url: give credentials in a header, not in the URL");
  }
  if (body !== "" && (method === "GET" || method === "HEAD")) {
    throw new JabberError("input.invalid", `http.fetch args.body: a ${method} has none`);
  }
  url.hash = "";
  const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { url, method, headers: pairs, ...(body !== "" && { body }) };
}

async function resultOf({ url, method }: Hop, response: HttpResponse, maxBytes: number): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (method !== "HEAD") {
    const chunk = await response.read();
    if (chunk === null) break;
    bytes += chunk.length;
    if (bytes > maxBytes) throw new JabberError("http.too_large", `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const text = asText(body);
  return {
    status: response.status,
    url: url.href,
    headers: headersOf(response),
    ...(text === undefined ? { base64: body.toString("base64") } : { text }),
  };
}

/** Repeated headers in one line each; what is too much is left out. */
function headersOf({ headers }: HttpResponse): Record<string, string> {
  const found = new Map<string, string>();
  let chars = 0;
  for (const [name, value] of headers) {
    chars += name.length + value.length;
    if (chars > LIMITS.httpHeaderCharsMax || found.size >= LIMITS.httpHeadersMax) break;
    const before = found.get(name);
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(found);
}

export const httpFetch = defineCommand<Input>({
  key: "http.fetch",
  access: 3,
  summary: "Ask an HTTP server that the policy names",
  input,
  output: z.never(),
  result,
  positional: ["url"],
  run,
});
