/** The dialog's lines. */
import { type Line, lineOf, span, wrap } from "../../text/line.ts";
import { type ConfirmState, isArmed, needsNumber } from "./state.ts";
import { CONFIRM_THEME } from "./theme.ts";

/** @param columns the room inside the frame */
export function confirmLines(state: ConfirmState, columns: number): readonly Line[] {
  const { question } = state;
  const lines: Line[] = question.lines.flatMap((text) => wrap(text, columns)).map((text) => lineOf(text));
  if (needsNumber(question)) {
    lines.push([], [
      span(`Type ${question.hosts} to go on: `),
      span(state.typed, CONFIRM_THEME.number),
      span(" ", CONFIRM_THEME.cursor),
    ]);
  }
  const act = isArmed(state) ? state.onCancel ? CONFIRM_THEME.act : CONFIRM_THEME.chosen : CONFIRM_THEME.barred;
  lines.push([], [
    span(`  Cancel  `, state.onCancel ? CONFIRM_THEME.chosen : "plain"),
    span("   "),
    span(`  ${question.verb}  `, act),
  ]);
  return lines;
}
