import { ago } from "../../../cli/text/output.ts";
import type { ScriptAnswer } from "../../../server/core/requests.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";

/** What a script may reach, in words; its number is what policies speak of. */
const ACCESS = ["0 internal", "1 facts", "2 reads", "3 changes", "4 programs"] as const;

export function accessText(access: number): string {
  return ACCESS[access] ?? String(access);
}

export function shortHash(hash: string): string {
  return hash.replace(/^sha256-/, "").slice(0, 12);
}

export const SCRIPTS_TABLE: TableSpec<ScriptAnswer, ViewContext> = {
  id: ({ hash }) => hash,
  filterable: ({ name, hash, uses, targets, tags, pushedBy, signers, authors }) => ({
    text: [name, hash, uses.join(" "), targets, pushedBy, authors.join(" "), signers.join(" ")].join(" "),
    tags: { ...tags, name },
  }),
  empty: "no scripts yet; p signs and pushes a file",
  columns: [
    {
      id: "name",
      title: "NAME",
      priority: 0,
      min: 10,
      max: 40,
      cell: ({ name, latest }) => ({ text: latest ? name : `${name} (old)`, role: latest ? "strong" : "dim" }),
    },
    {
      id: "access",
      title: "ACCESS",
      priority: 1,
      min: 10,
      max: 10,
      cell: ({ access }) => ({ text: accessText(access), role: access >= 3 ? "warn" : "plain" }),
    },
    { id: "start", title: "START", priority: 3, min: 7, max: 7, cell: ({ start }) => ({ text: start }) },
    {
      id: "authors",
      title: "AUTHORS",
      priority: 2,
      min: 8,
      max: 24,
      cell: ({ authors }) => ({ text: authors.join(", "), role: authors.length > 0 ? "good" : "bad" }),
    },
    {
      id: "uses",
      title: "USES",
      priority: 4,
      min: 12,
      max: 400,
      grows: true,
      cell: ({ uses }) => ({ text: uses.join(" ") }),
    },
    { id: "by", title: "PUSHED BY", priority: 5, min: 9, max: 20, cell: ({ pushedBy }) => ({ text: pushedBy }) },
    {
      id: "pushed",
      title: "AGE",
      priority: 5,
      min: 5,
      max: 5,
      align: "right",
      cell: ({ pushedAt }, { now }) => ({ text: olderThanMinutes(pushedAt, now) }),
      rank: ({ pushedAt }) => pushedAt,
      downFirst: true,
    },
    {
      id: "expires",
      title: "EXPIRES",
      priority: 6,
      min: 10,
      max: 10,
      rare: true,
      cell: ({ expires = "" }, { now }) => ({
        text: expires.slice(0, 10),
        role: expires !== "" && Date.parse(expires) < now ? "bad" : "plain",
      }),
    },
    {
      id: "hash",
      title: "HASH",
      priority: 6,
      min: 12,
      max: 12,
      cell: ({ hash }) => ({ text: shortHash(hash), role: "dim" }),
    },
  ],
};

/** An age that does not tick every second: nothing is drawn while nothing changes. */
export function olderThanMinutes(at: string, now: number): string {
  return now - Date.parse(at) < 60_000 ? "<1m" : ago(at, now);
}
