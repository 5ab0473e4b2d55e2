/**
 * What a screen reader is given: lines printed one below the other, nothing drawn over. Each part of what there is to say
 * is a text; what is printed are the parts that have changed. Pure.
 */
import { plainText, safe } from "../text/line.ts";
import { confirmLines } from "../widgets/confirm/view.ts";
import { contextOf } from "./context.ts";
import { helpOf } from "./picture.ts";
import { type AppState, type Overlay, topPage } from "./state.ts";

export interface Utterance {
  link: string;
  notice: string;
  /** Which view, how many, which filter. */
  where: string;
  /** What is under the cursor. */
  here: string;
  overlay: string;
}

const SILENCE: Utterance = { link: "", notice: "", where: "", here: "", overlay: "" };
/** Wide enough that nothing is wrapped twice. */
const COLUMNS = 76;

/** Everything there is to say about a state. */
export function utteranceOf(state: AppState): Utterance {
  const page = topPage(state);
  const context = contextOf(state, page);
  const status = plainText(page.view.status(page.state, context)).trim();
  const filter = page.filter.text === "" ? "" : `, filter ${page.filter.text}`;
  return {
    link: linkWords(state),
    notice: state.notice?.text ?? "",
    where: `${page.view.crumb(page.state, context)}: ${status}${filter}`,
    here: page.view.spoken(page.state, context),
    overlay: state.overlay === undefined ? "" : overlayWords(state.overlay, state),
  };
}

/** The lines that are new since `before`. An open dialog speaks alone. */
export function newLines(before: Utterance | undefined, after: Utterance): readonly string[] {
  const old = before ?? SILENCE;
  const parts: (keyof Utterance)[] = after.overlay === ""
    ? ["link", "notice", "where", "here"]
    : ["link", "notice", "overlay"];
  // What lay behind a dialog is said again when it closes.
  const isBack = after.overlay === "" && old.overlay !== "";
  return parts.filter((part) => after[part] !== old[part] || (isBack && part === "here"))
    .flatMap((part) => after[part].split("\n"))
    .map((line) => safe(line).trimEnd()).filter((line) => line !== "");
}

function linkWords({ link, identity }: AppState): string {
  switch (link.state) {
    case "connecting":
      return `connecting to ${identity.url}`;
    case "live":
      return `live: ${identity.name}, as ${identity.user}`;
    case "lost":
      return `disconnected: ${link.why}; trying again`;
  }
}

function overlayWords(overlay: Overlay, state: AppState): string {
  switch (overlay.kind) {
    case "line":
      return `${overlay.purpose === "enter" ? overlay.title : overlay.purpose}: ${overlay.line.text}`;
    case "help":
      return helpOf(state).map(plainText).join("\n");
    case "confirm": {
      const { question, onCancel } = overlay.confirm;
      const lines = confirmLines(overlay.confirm, COLUMNS).map(plainText);
      return [question.title, ...lines, `chosen: ${onCancel ? "Cancel" : question.verb}`].join("\n");
    }
  }
}
