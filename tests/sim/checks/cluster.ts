/** The checks of a cluster, tied to its servers. */
import { entryKey } from "../../../cluster/catalog/entry.ts";
import { beats, isLeased, isTombstone } from "../../../cluster/catalog/kinds.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Digest, Entry } from "../../../cluster/catalog/contract.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import type { StoreOp } from "../../../base/store.ts";
import type { SwimSettings } from "../../../cluster/swim/contract.ts";
import type { ClusterWatch } from "../nodes/cluster_node.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import { copiesDiffer, equalWithinMs } from "./copies.ts";
import { checkDigest, digestOnDisk } from "./digests.ts";
import { must } from "./failure.ts";
import { checkDatagram, checkLife } from "./gossip.ts";
import { type Copy, createLedger, type Ledger, nameOf, recordAt, storyOf } from "./ledger.ts";
import { createMemberChecks, type MemberChecks } from "./members.ts";
import { createRemovedChecks, type RemovedChecks } from "./removed.ts";
import { tablesDiffer } from "./tables.ts";
import { lostWrite } from "./written.ts";

export interface ClusterChecks {
  readonly ledger: Ledger;
  readonly members: MemberChecks;
  watch(copy: Copy): ClusterWatch;
  /** A server's disk is about to apply an op. */
  applies(copy: Copy, op: StoreOp): void;
  /** A server's process begins. */
  begins(copy: Copy): void;
  /** A server's disk is that of an earlier time, or gone. @param before what it was */
  loses(copy: Copy, before: MemoryEngine): void;
  healed(): void;
  /** What is not yet as it must become. @throws SimFailure when it is too late for that */
  unsettled(): string | undefined;
  /** Everything has come to rest. */
  settled(): void;
}

/** What one server must answer for: `server` and `node` records of all, and its own. */
const OWN_KEYS = 4;
/** A digest is looked at again when there are so many times the entries: each look goes through all of them. */
const DIGEST_GROWTH = 1.1;
/** What a server hears of its own catalog it writes into its own tables at once: a few writes of a slow disk. */
const TABLES_MS = 60_000;

export interface ClusterView {
  readonly servers: readonly ServerNode[];
  /** The same as their disks. */
  readonly copies: readonly Copy[];
  readonly settings: SwimSettings;
  /** What a server's disk has refused it tries again so often. */
  readonly againEveryMs: number;
  /** True time. */
  now(): number;
}

export function createClusterChecks(view: ClusterView): ClusterChecks {
  return new Checks(view);
}

class Checks implements ClusterChecks {
  readonly ledger: Ledger;
  readonly members: MemberChecks;
  readonly #view: ClusterView;
  readonly #removed: RemovedChecks = createRemovedChecks();
  /** At so many entries a server's digest is looked at next. */
  readonly #looksAt = new Map<Copy, number>();
  /** Since when all is equal but some tables. */
  #tablesSince = Infinity;

  constructor(view: ClusterView) {
    this.#view = view;
    this.ledger = createLedger(view.copies, view.now);
    this.members = createMemberChecks(view.servers, view.settings, view.now);
  }

  watch(copy: Copy): ClusterWatch {
    const { servers, settings } = this.#view;
    const { ledger, members } = this;
    return {
      member: (change, member) => members.told(copy.name, change, member),
      datagram: (bytes) => checkDatagram(copy.name, bytes.length, settings),
      acknowledged: (entry) => {
        this.#isDurable(copy, entry);
        ledger.acknowledged(entry);
      },
      stepped: (life) => {
        members.look();
        checkLife(life, ledger, ledger.keyCount + OWN_KEYS * servers.length);
        if (ledger.count < (this.#looksAt.get(copy) ?? 0)) return;
        this.#looksAt.set(copy, ledger.count * DIGEST_GROWTH + 1);
        this.#isTruthful(copy, life.core.catalog.digest());
      },
    };
  }

  applies(copy: Copy, op: StoreOp): void {
    this.ledger.applies(copy, op);
    this.#removed.applies(copy, op);
  }

  begins(copy: Copy): void {
    this.members.begins();
    this.#isTruthful(copy, digestOnDisk(copy));
  }

  loses(copy: Copy, before: MemoryEngine): void {
    this.ledger.loses(copy, before);
    this.#removed.loses(copy);
  }

  healed(): void {
    this.members.healed();
  }

  unsettled(): string | undefined {
    const here = this.#here();
    const apart = this.members.unsettled();
    if (apart !== undefined) return apart;
    const differ = copiesDiffer(here);
    if (differ !== undefined) return this.#late("copies", differ);
    const lost = lostWrite(this.ledger, here, (at) => this.#view.now() - at > LIMITS.catalogHorizonMs);
    if (lost !== undefined) return this.#late("written", lost);
    return this.#tables(here);
  }

  settled(): void {
    const { servers, copies } = this.#view;
    for (const [index, copy] of copies.entries()) {
      const { isGone, cluster } = servers[index]!;
      this.#isTruthful(copy, digestOnDisk(copy));
      if (!isGone && cluster !== undefined) this.#isTruthful(copy, cluster.core.catalog.digest());
    }
  }

  #here(): Copy[] {
    return this.#view.copies.filter((_, index) => !this.#view.servers[index]!.isGone);
  }

  #late(check: "copies" | "written", { key, why }: { key: string; why: string }): string {
    const { settings, now } = this.#view;
    const since = Math.max(this.members.settledAt, this.ledger.lastAt);
    const most = equalWithinMs(settings);
    const story = () => storyOf(this.ledger, this.#here(), key);
    must(check, now() <= since + most, () => `${most / 1000} s after the last write ${why}; ${story()}`);
    this.#tablesSince = Infinity;
    return why;
  }

  #tables(here: readonly Copy[]): string | undefined {
    const { now, againEveryMs } = this.#view;
    for (const copy of here) {
      const differ = tablesDiffer(copy);
      if (differ === undefined) continue;
      this.#tablesSince = Math.min(this.#tablesSince, now());
      const most = TABLES_MS + 2 * againEveryMs;
      must("tables", now() <= this.#tablesSince + most, () => `${most / 1000} s after all is equal ${differ}`);
      return differ;
    }
    this.#tablesSince = Infinity;
    return undefined;
  }

  #isTruthful(copy: Copy, digest: Digest): void {
    const { servers, copies, now } = this.#view;
    const { hasDreamt } = servers[copies.indexOf(copy)]!;
    const isForgotten = (entry: Entry, at: number): boolean => {
      const age = hasDreamt ? Infinity : now() - at;
      return age > LIMITS.catalogHorizonMs && (isTombstone(entry) || isLeased(entry.kind));
    };
    checkDigest(this.ledger, copy, digest, isForgotten);
  }

  /** What came together with it, and wins over it, may be stored instead. */
  #isDurable(copy: Copy, entry: Entry): void {
    const key = entryKey(entry);
    const held = recordAt(copy, key);
    const isThere = held !== undefined && (held.signature === entry.signature || beats(held, entry));
    const said = () => `${copy.name} says that ${nameOf(entry)} is written, its disk has nothing of it`;
    must("durable", isThere, () => `${said()}; ${storyOf(this.ledger, [copy], key)}`);
  }
}
