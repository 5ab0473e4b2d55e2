/** A view of the console as its tests drive it: events in, effects and lines out. */
import { Fleet } from "../../tui/data/fleet.ts";
import { NO_FILTER, parseFilter } from "../../tui/filter.ts";
import type { Action } from "../../tui/keys.ts";
import { plainText } from "../../tui/text/line.ts";
import type { Effect, View, ViewContext, ViewEvent } from "../../tui/view.ts";

export const NOW = Date.UTC(2026, 10, 20, 12);

export class ViewDriver {
  readonly view: View;
  context: ViewContext;
  state: unknown;

  constructor(view: View, arg = "", more: Partial<ViewContext> = {}) {
    this.view = view;
    this.context = {
      fleet: new Fleet(),
      now: NOW,
      area: { columns: 120, rows: 20 },
      look: { colour: true, ascii: false },
      readonly: false,
      filter: NO_FILTER,
      ...more,
    };
    this.state = view.open(arg, this.context);
  }

  send(event: ViewEvent): readonly Effect[] {
    const { state, effects = [] } = this.view.step(this.state, event, this.context);
    this.state = state;
    return effects;
  }

  press(...actions: Action[]): readonly Effect[] {
    return actions.flatMap((action) => this.send({ type: "action", action }));
  }

  /** What a poll, or an ask of that name, was answered. */
  answer(want: string, answer: unknown): readonly Effect[] {
    return this.send({ type: "answer", want, path: "", answer: JSON.parse(JSON.stringify(answer)) });
  }

  filter(text: string): void {
    this.context = { ...this.context, filter: parseFilter(text) };
    this.send({ type: "filter" });
  }

  lines(): string[] {
    return this.view.body(this.state, this.context).map((line) => plainText(line).trimEnd());
  }

  status(): string {
    return plainText(this.view.status(this.state, this.context)).trim();
  }
}
