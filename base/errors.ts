import type { JsonObject } from "./json.ts";

/** Who can act on an error; decides its tone, its exit code and whether a stack is kept. */
export type Actor = "operator" | "author" | "owner" | "developer" | "nobody";

interface ErrorRow {
  /** operator: runs the CLI or API; author: wrote or signed the document; owner: owns the host; developer: wrote the peer; nobody: wait. */
  who: Actor;
  /** HTTP status when this is answered over HTTP. */
  http: number;
  /** What happened, one sentence, no final stop. */
  message: string;
  /** The next step, an imperative sentence, no final stop. */
  next: string;
}

/** Every error code of the product. Codes are append-only: they stand on the wire and in logs. */
// deno-fmt-ignore: one row a line
export const ERRORS = {
  "input.invalid": { who: "operator", http: 400, message: "the request does not fit its schema", next: "correct the named field" },
  "input.too_large": { who: "operator", http: 413, message: "the request is larger than the limit", next: "send less in one request" },
  "input.too_slow": { who: "operator", http: 408, message: "the request did not come in time", next: "send it again, in one go" },
  "input.not_found": { who: "operator", http: 404, message: "no such thing is known here", next: "check the name: `ls` lists what there is, as in `jabber agent ls`" },
  "input.ambiguous": { who: "operator", http: 409, message: "the name fits several", next: "name the one you mean by its id" },
  "input.conflict": { who: "operator", http: 409, message: "it is already there with other content", next: "choose another id or remove the old one" },
  "auth.missing": { who: "operator", http: 401, message: "no credentials were given", next: "run `jabber login URL`" },
  "auth.refused": { who: "operator", http: 401, message: "the credentials are not valid", next: "check the name and password, then run `jabber login URL`" },
  "auth.expired": { who: "operator", http: 401, message: "the session has expired", next: "run `jabber login URL`" },
  "auth.forbidden": { who: "operator", http: 403, message: "this user may not do that", next: "ask for a role that allows it" },
  "auth.rate_limited": { who: "operator", http: 429, message: "too many attempts", next: "wait a minute and try again" },
  "frame.too_large": { who: "developer", http: 413, message: "the frame is larger than the limit", next: "split it into smaller frames" },
  "frame.malformed": { who: "developer", http: 400, message: "the frame is not a valid envelope", next: "compare it with docs/protocol.md" },
  "frame.unknown_kind": { who: "developer", http: 400, message: "the message kind is unknown", next: "upgrade the older side" },
  "frame.wrong_direction": { who: "developer", http: 400, message: "this side may not send that kind", next: "compare it with docs/protocol.md" },
  "frame.version": { who: "owner", http: 400, message: "no common protocol version", next: "upgrade the older side" },
  "store.full": { who: "owner", http: 507, message: "the disk is full", next: "free space; work goes on by itself" },
  "store.corrupt": { who: "owner", http: 500, message: "the database is damaged", next: "restore a backup or move the data folder away; nothing was deleted" },
  "store.newer": { who: "owner", http: 500, message: "the database was written by a newer version", next: "run that version or a newer one" },
  "store.locked": { who: "owner", http: 500, message: "another process uses this data folder", next: "stop it or choose another folder with --data" },
  "store.closed": { who: "nobody", http: 503, message: "the store is closing", next: "try again in a moment" },
  "store.busy": { who: "nobody", http: 503, message: "too many writes wait for the disk", next: "try again in a moment" },
  "store.failed": { who: "owner", http: 500, message: "the store could not be written or read", next: "check the disk and the folder's permissions" },
  "stream.too_old": { who: "operator", http: 410, message: "the stream no longer holds that offset", next: "read from the first offset named in the answer" },
  "stream.too_many": { who: "owner", http: 507, message: "the agent has as many streams on this server as it may", next: "nothing when it is honest: old ones go within minutes, and the agent sends again; else remove it with `jabber agent rm`" },
  "stream.unknown": { who: "operator", http: 404, message: "no such stream is known here", next: "run `jabber run ls` or `jabber agent ls`" },
  "key.malformed": { who: "operator", http: 400, message: "the key cannot be used", next: "make one with `jabber keygen`" },
  "jws.malformed": { who: "developer", http: 400, message: "the signed text is not in the form it must have", next: "compare it with docs/protocol.md" },
  "agent.claim_malformed": { who: "developer", http: 400, message: "the agent's claim is not in the form it must have", next: "upgrade the older side" },
  "agent.wrong_audience": { who: "nobody", http: 401, message: "the agent's claim was made for another server", next: "ask this server for a challenge of its own" },
  "agent.wrong_name": { who: "owner", http: 401, message: "the agent dialled a name that is not this server's", next: "dial one of its names, or give it this one (`advertise` and a new node statement)" },
  "agent.challenge_unknown": { who: "nobody", http: 401, message: "the challenge is not one of this server's", next: "ask for a new challenge" },
  "agent.challenge_expired": { who: "nobody", http: 401, message: "the challenge has expired", next: "ask for a new challenge" },
  "agent.challenge_used": { who: "nobody", http: 401, message: "the challenge was answered before", next: "ask for a new challenge" },
  "agent.id_mismatch": { who: "developer", http: 401, message: "the agent's id does not belong to its key", next: "derive the id from the key's thumbprint" },
  "agent.signature_invalid": { who: "developer", http: 401, message: "the agent's signature does not fit", next: "sign with the key whose public half is in the claim" },
  "agent.clock": { who: "owner", http: 400, message: "the agent's clock is wrong", next: "set the host's clock, for example with chrony or systemd-timesyncd" },
  "agent.not_enrolled": { who: "operator", http: 403, message: "the agent is not enrolled", next: "start it with --token, or run `jabber agent approve`" },
  "agent.pending": { who: "operator", http: 403, message: "the agent waits for approval", next: "run `jabber agent approve`" },
  "agent.clone": { who: "owner", http: 409, message: "two hosts run with one agent identity", next: "stop one of them and delete its data folder, so that it gets an identity of its own" },
  "agent.stale": { who: "nobody", http: 409, message: "a newer connection of the same agent process is there", next: "nothing; the newer connection goes on" },
  "agent.removed": { who: "operator", http: 403, message: "the agent was removed", next: "delete the agent's data folder and enrol it again" },
  "server.statement_invalid": { who: "owner", http: 502, message: "the server could not prove that it belongs to the cluster", next: "check the server's address; when it is right, issue a new node statement" },
  "server.wrong_name": { who: "owner", http: 502, message: "the dialled name is not one of the server's", next: "dial a name of the server's node statement; when the name is right, issue a new statement with it" },
  "server.statement_expired": { who: "owner", http: 502, message: "the server's node statement has expired", next: "run `jabber server renew` where the CA's key lies, and restart the server; when this host's clock is wrong, set it" },
  "server.ends_soon": { who: "owner", http: 500, message: "what the server proves itself with ends soon, and then nobody connects to it any more", next: "run `jabber server renew` (for the CA's certificate with --ca) where the CA's key lies, and restart the server" },
  "server.revoked": { who: "owner", http: 502, message: "the server's key was revoked", next: "connect to another server" },
  "server.proof_invalid": { who: "owner", http: 502, message: "the server's reply is not signed by the node that was asked", next: "check the server's address; somebody may stand between" },
  "token.malformed": { who: "operator", http: 400, message: "the join token is damaged", next: "copy the whole token again" },
  "token.invalid": { who: "operator", http: 403, message: "the join token is not valid here", next: "make a new one on a server of this cluster" },
  "token.expired": { who: "operator", http: 403, message: "the join token has expired", next: "make a new one on a server of this cluster" },
  "token.used_up": { who: "operator", http: 403, message: "the join token was used as often as it may be", next: "make a new one on a server of this cluster" },
  "selector.malformed": { who: "operator", http: 400, message: "the selector cannot be read", next: "write it like `os=linux,env!=prod,role in (web,db),!canary`" },
  "document.malformed": { who: "author", http: 400, message: "the signed document breaks a rule of its format", next: "correct the named line and sign it again" },
  "document.too_large": { who: "author", http: 413, message: "the signed document is larger than the limit", next: "shorten it and sign it again" },
  "document.expired": { who: "author", http: 403, message: "the signed document has expired", next: "give it a later end and sign it again" },
  "document.not_yet": { who: "nobody", http: 403, message: "the signed document is not valid yet", next: "wait until its notBefore, or check this machine's clock" },
  "document.wrong_cluster": { who: "author", http: 403, message: "the document was signed for another cluster", next: "sign one that names this cluster" },
  "document.wrong_host": { who: "operator", http: 403, message: "the document was not signed for this host", next: "choose agents that its signed tags and selector match" },
  "signature.missing": { who: "author", http: 403, message: "the document is not signed", next: "run `jabber sign FILE`" },
  "signature.invalid": { who: "author", http: 403, message: "a signature does not fit the document", next: "compare the file with the author's, or sign it again" },
  "signature.future": { who: "author", http: 403, message: "the signature is dated in the future", next: "set the clock of the signer's or of this machine" },
  "signature.not_enough": { who: "author", http: 403, message: "the document has too few trusted signatures", next: "let another trusted signer run `jabber sign FILE`" },
  "signer.unknown": { who: "owner", http: 403, message: "the signer is not trusted here", next: "add the signer's key to the trust list, or let a trusted signer sign" },
  "signer.revoked": { who: "author", http: 403, message: "the signer's key was revoked", next: "sign the document with a key that is trusted" },
  "signer.expired": { who: "owner", http: 403, message: "the signer's key has expired", next: "renew the signer in the trust list, or let another signer sign" },
  "args.mismatch": { who: "operator", http: 400, message: "the arguments do not fit the script's schema", next: "correct the named argument" },
  "trust.malformed": { who: "owner", http: 400, message: "the trust list cannot be read", next: "correct the named field of the agent's policy" },
  "config.invalid": { who: "owner", http: 500, message: "the configuration is not valid", next: "correct what is named; `jabber config check FILE` shows every fault" },
  "config.missing": { who: "owner", http: 500, message: "a file of the configuration cannot be read", next: "check its path and permissions, or run `jabber init`" },
  "config.insecure": { who: "owner", http: 500, message: "the configuration would be unsafe", next: "use TLS, or stay on loopback" },
  "config.unknown_key": { who: "owner", http: 500, message: "the configuration has a key that is none", next: "look for the key in docs/config.md" },
  "config.missing_key": { who: "owner", http: 500, message: "the configuration lacks a key", next: "add the key" },
  "config.value": { who: "owner", http: 500, message: "a value of the configuration cannot be used", next: "correct the value" },
  "config.duplicate_key": { who: "owner", http: 500, message: "a key of the configuration stands twice", next: "take one of the two out" },
  "config.syntax": { who: "owner", http: 500, message: "the configuration cannot be read as a text", next: "correct the named place" },
  "config.exposed": { who: "owner", http: 500, message: "others on this host can read or change a secret file", next: "run chmod 600 on it" },
  "net.unreachable": { who: "operator", http: 502, message: "the server cannot be reached", next: "check the URL and the CA, then run `jabber doctor`" },
  "file.unreadable": { who: "operator", http: 400, message: "the file cannot be read or written", next: "check its path and permissions" },
  "input.usage": { who: "operator", http: 400, message: "the command line is not valid", next: "add --help for the options and an example" },
  "key.missing": { who: "author", http: 400, message: "there is no author key", next: "run `jabber keygen`, or name one with --key" },
  "key.exposed": { who: "author", http: 400, message: "others on this machine can read the private key", next: "run chmod 600 on it" },
  "input.no_target": { who: "operator", http: 404, message: "no agent matches the selector", next: "look at the tags with `jabber agent ls`" },
  "net.port_in_use": { who: "owner", http: 500, message: "the port is in use", next: "stop the other program or choose another port with --listen" },
  "output.not_object": { who: "author", http: 400, message: "output must be an object at its top level", next: "wrap the value: `output.emit({value})`" },
  "policy.invalid": { who: "owner", http: 400, message: "the policy of this host cannot be used", next: "correct the named field of `policy:` in jabber-agent.yaml" },
  "policy.path_refused": { who: "owner", http: 403, message: "this host's policy does not allow that path", next: "add its folder to `policy.files` on the host, or use another path" },
  "policy.program_refused": { who: "owner", http: 403, message: "this host's policy does not allow that program", next: "add it to `policy.programs` on the host, by its full path" },
  "policy.args_refused": { who: "owner", http: 403, message: "this host's policy does not allow those arguments", next: "correct the arguments, or widen the program's `args` on the host" },
  "policy.program_writable": { who: "owner", http: 403, message: "somebody else could replace that program", next: "let root own the file and every folder above it, writable by nobody else" },
  "policy.interpreter": { who: "owner", http: 403, message: "that program runs other programs", next: "allow a narrower program, or write `interpreter: true` on its entry" },
  "policy.hash_mismatch": { who: "owner", http: 403, message: "that program is not the one the policy names", next: "check why the file changed; when it is right, correct `sha256`" },
  "policy.stdin_refused": { who: "owner", http: 403, message: "this host's policy gives that program no standard input", next: "leave `stdin` out, or write `stdin: true` on its entry" },
  "executor.not_granted": { who: "author", http: 403, message: "this run may not use that command", next: "add it to `uses`, raise `access`, and sign the script again" },
  "executor.malformed": { who: "developer", http: 400, message: "the host call is not in the form it must have", next: "compare it with agent/threads/protocol.ts" },
  "executor.too_many_calls": { who: "author", http: 429, message: "the run has too many host calls under way", next: "await earlier calls before making more" },
  "host.failed": { who: "owner", http: 500, message: "the host's operating system refused", next: "read the detail and correct it on the host" },
  "run.interrupted": { who: "operator", http: 500, message: "the agent stopped while the run was under way", next: "look at what it had done and start it again when that is safe" },
  "run.cancelled": { who: "operator", http: 409, message: "the run was cancelled", next: "start it again when it is wanted after all" },
  "run.timeout": { who: "operator", http: 504, message: "the run took longer than it may", next: "give it a longer timeout" },
  "run.queue_full": { who: "operator", http: 429, message: "too many runs wait on this agent", next: "wait for some of them to end" },
  "run.draining": { who: "nobody", http: 503, message: "the agent is stopping and starts nothing new", next: "try again when it is back" },
  "run.unsigned": { who: "owner", http: 403, message: "the agent's policy does not let this run without a signed order", next: "sign an order, or add the command to `unsigned` in the agent's policy" },
  "run.access": { who: "author", http: 403, message: "the script uses a command above its access", next: "raise `access` in the script's header and sign it again" },
  "run.unknown_command": { who: "operator", http: 404, message: "the agent does not have that command", next: "check the name, or upgrade the agent" },
  "run.other_document": { who: "operator", http: 409, message: "the order's id was used by another order", next: "make a new order" },
  "script.unavailable": { who: "nobody", http: 502, message: "the script could not be fetched", next: "push it to a server of this cluster and try again" },
  "script.mismatch": { who: "developer", http: 502, message: "the script's bytes are not those of its hash", next: "compare the server's copy with the author's file" },
  "agent.silent": { who: "nobody", http: 408, message: "nothing was heard from the agent", next: "nothing; it connects again by itself" },
  "agent.away": { who: "operator", http: 409, message: "the agent is not connected", next: "try again when it is back; `jabber agent ls` shows it" },
  "agent.approved": { who: "nobody", http: 503, message: "the agent was approved and has to connect again", next: "nothing; it does so by itself" },
  "server.stopping": { who: "nobody", http: 503, message: "the server is stopping", next: "connect to another server, or again in a moment" },
  "order.too_many": { who: "operator", http: 503, message: "too many orders are open on this server", next: "wait until some are done, or cancel them" },
  "server.busy": { who: "nobody", http: 503, message: "the server has too much of that under way", next: "try again in a moment" },
  "script.threw": { who: "author", http: 422, message: "the script threw an error it did not catch", next: "correct the named line and sign it again" },
  "script.syntax": { who: "author", http: 422, message: "the script cannot be read", next: "correct the named line and sign it again" },
  "script.timeout": { who: "operator", http: 504, message: "the script took longer than it may", next: "give it a longer timeout" },
  "script.busy": { who: "author", http: 422, message: "the script computed for too long without a pause", next: "let it wait for a command now and then, or do less" },
  "script.memory": { who: "author", http: 422, message: "the script needs more memory than it may have", next: "let it hold less at a time" },
  "script.memory_together": { who: "operator", http: 503, message: "the scripts of this host together hold too much memory", next: "run fewer of them at a time" },
  "script.stack": { who: "author", http: 422, message: "the script calls too deep", next: "replace the recursion by a loop" },
  "script.stuck": { who: "author", http: 422, message: "the script waits for something that cannot happen any more", next: "look for a promise that nobody settles" },
  "script.cancelled": { who: "operator", http: 409, message: "the script was cancelled", next: "start it again when it is wanted after all" },
  "script.calls": { who: "author", http: 422, message: "the script's call of a command breaks a limit", next: "wait for calls with `await`, and pass less in one call" },
  "script.result": { who: "author", http: 422, message: "the script's result cannot be sent", next: "return a small value that JSON can hold; emit the rest with output.emit" },
  "script.crashed": { who: "developer", http: 500, message: "the script broke the sandbox it ran in; no other script was touched", next: "report it with the script" },
  "policy.host_refused": { who: "owner", http: 403, message: "this host's policy does not allow that address", next: "add it to `policy.net` on the host as `host` or `host:port`, or use another" },
  "http.unreachable": { who: "operator", http: 502, message: "nothing answers at that address", next: "check the URL, and whether the agent's host reaches it" },
  "http.tls": { who: "owner", http: 502, message: "no trusted TLS connection could be made", next: "check the certificate; for a CA of your own, name its file in `policy.netCa` on the host" },
  "http.timeout": { who: "operator", http: 504, message: "the answer did not come in time", next: "give it a longer `timeoutMs`, or look at the other side" },
  "http.too_large": { who: "operator", http: 413, message: "the answer is larger than it may be", next: "raise `maxBytes`, or ask for less" },
  "http.redirect": { who: "operator", http: 502, message: "a redirect was not followed", next: "ask for the address it leads to, or set `redirects` to 0 and look at its `location`" },
  "http.broken": { who: "operator", http: 502, message: "the answer broke off, or is no HTTP", next: "try again; when it stays, look at the other side" },
  "tags.owned": { who: "owner", http: 403, message: "that tag is the host's own", next: "choose another key, or let the host's owner change it in jabber-agent.yaml" },
  "kv.conflict": { who: "author", http: 409, message: "the key has another version by now", next: "read it again with kv.get and decide anew" },
  "kv.full": { who: "author", http: 507, message: "the agent's key-value store is full", next: "delete keys that are no longer needed with kv.delete" },
  "job.older": { who: "author", http: 409, message: "a newer version of the job is known here", next: "raise its serial above the one that is known and sign it again" },
  "job.other_document": { who: "author", http: 409, message: "the job's serial was used by another version of it", next: "raise the serial and sign it again" },
  "job.local": { who: "owner", http: 409, message: "the host's owner has a job of that id in the agent's configuration", next: "choose another id, or remove the owner's from `jobs:`" },
  "job.unsupported": { who: "author", http: 422, message: "the job has an option that this version cannot keep", next: "leave the named option out and sign it again" },
  "job.never_fires": { who: "author", http: 422, message: "the job's time never comes", next: "correct its pattern, zone or `until`, and sign it again" },
  "job.too_many": { who: "owner", http: 507, message: "the agent keeps as many jobs as it may, ended and cancelled ones counted", next: "put several into one job" },
  "job.missed": { who: "nobody", http: 409, message: "the job's time passed while the agent could not see it", next: "nothing; `missed: once` or `all` makes up for such times" },
  "job.overlap": { who: "author", http: 409, message: "the job's time came while its last run was under way", next: "give it a longer interval, or `overlap: allow` or `replace`" },
  "job.replaced": { who: "nobody", http: 409, message: "the run was ended because the job's next time had come", next: "nothing; `overlap: forbid` lets runs end" },
  "backup.busy": { who: "owner", http: 500, message: "the database changed faster than it could be copied", next: "try again; a running server of this version holds it still meanwhile" },
  "backup.damaged": { who: "owner", http: 400, message: "the file is no backup, or not whole", next: "restore another one; nothing was changed" },
  "backup.newer": { who: "owner", http: 400, message: "the backup was made by a newer version", next: "restore it with that version or a newer one; nothing was changed" },
  "restore.running": { who: "owner", http: 409, message: "a server is running on this data folder", next: "stop it first; nothing was changed" },
  "restore.not_empty": { who: "owner", http: 409, message: "there is something in its place already", next: "restore into another folder, or add --force: what is there is kept beside it" },
  "service.no_manager": { who: "owner", http: 500, message: "this host has no systemd", next: "see \"Without a service manager\" in docs/operations.md (for an agent: run `jabber-agent supervise`), or add --print and --user to see the unit" },
  "service.exists": { who: "owner", http: 409, message: "another unit of that name is there", next: "compare it with what --print shows, then remove it" },
  "program.unsupported": { who: "owner", http: 500, message: "this platform lacks what that needs", next: "use a host with Linux or macOS for it" },
  "cluster.no_ca_key": { who: "operator", http: 404, message: "the key of the cluster's CA is not there", next: "run this where `cluster-ca.key` is kept, or name it with --ca-key FILE" },
  "cluster.other_ca_key": { who: "operator", http: 400, message: "the key is not the one that the cluster's CA certificate was made with", next: "name the right one with --ca-key FILE, or the right `cluster.caFile`" },
  "gossip.off": { who: "owner", http: 409, message: "this server has no gossip: it stands alone", next: "start it with --gossip HOST:PORT, or set `gossip.listen` in jabber-server.yaml" },
  "gossip.unsealed": { who: "owner", http: 409, message: "gossip is not sealed on this server, so it has no keys", next: "set `gossip.security` to jws or aes-gcm" },
  "gossip.key_invalid": { who: "operator", http: 400, message: "that is no gossip key", next: "make one with `openssl rand -base64 32`" },
  "gossip.key_primary": { who: "operator", http: 409, message: "gossip is sealed with that key", next: "seal with another one first: `jabber server key use`" },
  "fact.too_large": { who: "operator", http: 413, message: "the fact is larger than a message of gossip may be", next: "keep it short, or put the text into a file and name that" },
  "fact.full": { who: "operator", http: 507, message: "as many facts are known as may be", next: "set one that is there already" },
  "internal": { who: "developer", http: 500, message: "this is a defect in Jabberwocky", next: "report it with the log line of this id" },
} as const satisfies Record<string, ErrorRow>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/** An error as it stands in envelopes and HTTP answers. */
export interface ErrorBody {
  code: string;
  message: string;
  next?: string;
  data?: JsonObject;
}

/** An expected failure: a code from the table, a sentence, and the step that mends it. */
export class JabberError extends Error {
  override readonly name = "JabberError";
  readonly code: ErrorCode;
  readonly next: string;
  readonly data: JsonObject | undefined;

  /** @param detail what exactly, quoted values included; appended to the table's sentence. */
  constructor(code: ErrorCode, detail?: string, data?: JsonObject, options?: ErrorOptions) {
    const row: ErrorRow = ERRORS[code];
    super(detail === undefined ? row.message : `${row.message}: ${detail}`, options);
    this.code = code;
    this.next = row.next;
    this.data = data;
  }

  get who(): Actor {
    return ERRORS[this.code].who;
  }

  /** The form that travels. */
  toBody(): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message, next: this.next };
    if (this.data !== undefined) body.data = this.data;
    return body;
  }
}

/** An error that another thread of the program sent, to be thrown here. */
export function fromErrorBody({ code, message, data }: ErrorBody): JabberError {
  const known = Object.hasOwn(ERRORS, code) ? code as ErrorCode : "internal";
  const start = ERRORS[known].message;
  const detail = message.startsWith(`${start}: `) ? message.slice(start.length + 2) : message;
  return new JabberError(known, detail === start ? undefined : detail, data);
}

/** Any thrown value as the form that travels; what is not ours is `internal` and keeps only its message. */
export function toErrorBody(cause: unknown): ErrorBody {
  if (cause instanceof JabberError) return cause.toBody();
  return new JabberError("internal", cause instanceof Error ? cause.message : String(cause)).toBody();
}

/** What the system answers about files, folders and pipes that somebody named. */
const FILE_FAULTS: ReadonlySet<unknown> = new Set(
  "EACCES EBADF EDQUOT EFBIG EIO EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EPIPE EROFS".split(" "),
);

/** As `toErrorBody`, for what ends a program: a full disk or a folder that is not there is no defect of it. */
export function toEndBody(cause: unknown): ErrorBody {
  const isFile = cause instanceof Error && "code" in cause && FILE_FAULTS.has(cause.code);
  return isFile ? new JabberError("file.unreadable", cause.message, undefined, { cause }).toBody() : toErrorBody(cause);
}
