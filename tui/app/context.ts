/** What views and the driver read from the state. */
import { layoutOf } from "../layout.ts";
import type { Place } from "../keys.ts";
import type { ViewContext } from "../view.ts";
import { type AppState, type AppWant, FLEET, type Page, topPage } from "./state.ts";

export function contextOf(state: AppState, page: Page): ViewContext {
  const { fleet, now, look, readonly, size } = state;
  return { fleet, now, look, readonly, area: layoutOf(size).body, filter: page.filter };
}

/** Where keys count on a page. */
export function placesOf(page: Page): readonly Place[] {
  return ["everywhere", ...page.view.places];
}

/** How often agents on the screen are looked at. */
const LOOK_MS = 2000;

/** What is to be heard from the server now: of the fleet always, of views only what the top one wants. */
export function wantsOf(state: AppState): readonly AppWant[] {
  const page = topPage(state);
  const context = contextOf(state, page);
  const wants: AppWant[] = [{ to: FLEET, want: { kind: "frames", key: "events", path: "/v1/firehose?events=only" } }];
  if (state.fleet.isLoaded) {
    const visible = page.view.visible?.(page.state, context) ?? [];
    const ids = [...new Set([...visible, ...state.turn])];
    wants.push({ to: FLEET, want: { kind: "poll", key: "look", path: lookPath(ids), everyMs: LOOK_MS } });
  }
  const fits = layoutOf(state.size).fits;
  if (fits) wants.push(...page.view.wants(page.state, context).map((want) => ({ to: String(page.id), want })));
  return wants;
}

const LOOK_PATH = "/v1/agents?ids=";

function lookPath(ids: readonly string[]): string {
  return LOOK_PATH + ids.map(encodeURIComponent).join(",");
}

/** Who was looked for. */
export function lookedFor(path: string): readonly string[] {
  return path.slice(LOOK_PATH.length).split(",").filter((id) => id !== "").map(decodeURIComponent);
}
