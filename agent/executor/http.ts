/**
 * The real HTTP: each request checked against the policy, over connections that are kept for nobody else.
 *
 * The process trusts no CA of the runtime's own (base/roots_system.ts), since agents trust their cluster's alone; so this
 * client names all it trusts: Mozilla's list, which the runtime carries, and the file of `policy.netCa`. Proxies of the
 * environment were taken out of it before this thread began (base/proxies_system.ts).
 */
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Http, HttpRequest, HttpResponse } from "../../commands/host.ts";
import { checkHost } from "../policy/hosts.ts";

export interface HttpPorts {
  /** `policy.net`. */
  hosts: readonly string[];
  /** PEM of the owner's own CAs. */
  ownCa: string | null;
  version: string;
  clock: Clock;
}

export function denoHttp(ports: HttpPorts): Http {
  const line = createLine(LIMITS.httpAtOnceMax);
  return {
    async request(request, signal) {
      signal.throwIfAborted();
      const url = new URL(request.url);
      checkHost(url, ports.hosts);
      const lease = startLease(ports, request, url, signal);
      try {
        const leave = await line.enter(lease.signal);
        lease.atEnd(leave);
        return await exchange(ports, url, request, lease);
      } catch (cause) {
        lease.end();
        throw toCoded(cause, url, lease.signal);
      }
    },
  };
}

/** What one exchange holds until its end. */
interface Lease {
  /** Aborted with the run's, and when the exchange's time is over. */
  signal: AbortSignal;
  /** Done at the end, once; at once when that has come. */
  atEnd(work: () => void): void;
  end(): void;
}

function startLease({ clock }: HttpPorts, { timeoutMs }: HttpRequest, url: URL, outer: AbortSignal): Lease {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(outer.reason);
  outer.addEventListener("abort", onAbort);
  const stopTimer = clock.after(timeoutMs, () => controller.abort(new JabberError("http.timeout", url.host)));
  let todo: (() => void)[] | null = [stopTimer, () => outer.removeEventListener("abort", onAbort)];
  return {
    signal: controller.signal,
    atEnd: (work) => todo === null ? work() : void todo.push(work),
    end() {
      const works = todo ?? [];
      todo = null;
      for (const work of works) work();
    },
  };
}

/** The list is long, and part of the runtime: it is loaded with the first request that needs it. */
async function trusted({ ownCa }: HttpPorts): Promise<string[]> {
  const { rootCertificates } = await import("node:tls");
  return ownCa === null ? [...rootCertificates] : [...rootCertificates, ownCa];
}

async function exchange(
  ports: HttpPorts,
  url: URL,
  { method, headers, body }: HttpRequest,
  lease: Lease,
): Promise<HttpResponse> {
  const caCerts = url.protocol === "https:" ? await trusted(ports) : [];
  // One client for each: no connection, and no proof of an earlier one, is there for the next script.
  const client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
  lease.atEnd(() => client.close());
  const given = headers.some(([name]) => name === "user-agent");
  const sent = given ? headers : [...headers, ["user-agent", `jabber-agent/${ports.version}`] as const];
  const response = await fetch(url, {
    method,
    headers: sent.map(([name, value]): [string, string] => [name, value]),
    ...(body !== undefined && { body }),
    redirect: "manual",
    signal: lease.signal,
    client,
  });
  return toResponse(response, url, lease);
}

function toResponse({ status, headers, body }: Response, url: URL, lease: Lease): HttpResponse {
  const reader = body?.getReader();
  return {
    status,
    headers: [...headers],
    async read() {
      if (reader === undefined) return null;
      try {
        const { value } = await reader.read();
        return value ?? null;
      } catch (cause) {
        throw toCoded(cause, url, lease.signal);
      }
    },
    close() {
      lease.end();
      // Hangs up when the body is not at its end.
      reader?.cancel().catch(() => {});
    },
  };
}

/** The runtime tells by words alone what went wrong. */
function toCoded(cause: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (cause instanceof JabberError) return cause;
  const why = cause instanceof Error ? cause.message.replace(/^error sending request for url \([^)]*\): /, "") : "";
  if (cause instanceof Deno.errors.NotCapable) return new JabberError("policy.host_refused", url.host);
  const connecting = why.includes("(Connect)");
  const code = connecting && TLS_WORDS.test(why) ? "http.tls" : connecting ? "http.unreachable" : "http.broken";
  return new JabberError(code, `${url.host}: ${why.slice(0, 500)}`);
}

const TLS_WORDS = /certificate|tls|handshake|corrupt message/i;

/** Lets so many in at once; the others wait in their order, each no longer than its signal. */
function createLine(places: number): { enter(signal: AbortSignal): Promise<() => void> } {
  const waiting = new Set<() => void>();
  let free = places;
  const leave = (): void => {
    free++;
    waiting.values().next().value?.();
  };
  return {
    enter: (signal) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => {
          waiting.delete(letIn);
          reject(signal.reason);
        };
        const letIn = (): void => {
          waiting.delete(letIn);
          signal.removeEventListener("abort", onAbort);
          free--;
          resolve(leave);
        };
        if (signal.aborted) return onAbort();
        if (free > 0) return letIn();
        waiting.add(letIn);
        signal.addEventListener("abort", onAbort);
      }),
  };
}
