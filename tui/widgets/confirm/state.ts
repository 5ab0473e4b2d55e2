/**
 * A question before an act. It names its target, and Enter by itself cancels: the cursor begins on Cancel. On more hosts
 * than a limit their number must be typed before the other button can be reached at all.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Question } from "../../view.ts";

export interface ConfirmState {
  question: Question;
  onCancel: boolean;
  /** What was typed of the number. */
  typed: string;
}

export function confirmState(question: Question): ConfirmState {
  return { question, onCancel: true, typed: "" };
}

/** True when the number of hosts must be typed. */
export function needsNumber({ hosts }: Question): boolean {
  return hosts !== undefined && hosts > LIMITS.consoleConfirmHosts;
}

/** True when the act may be chosen. */
export function isArmed({ question, typed }: ConfirmState): boolean {
  return !needsNumber(question) || typed === String(question.hosts);
}

/** A key; the answer ends the dialog. */
export function stepConfirm(state: ConfirmState, key: string): ConfirmState | "yes" | "no" {
  switch (key) {
    case "esc":
    case "q":
    case "n":
      return "no";
    case "enter":
      return state.onCancel || !isArmed(state) ? "no" : "yes";
    case "left":
    case "right":
    case "tab":
    case "shift-tab":
    case "h":
    case "l":
      return isArmed(state) ? { ...state, onCancel: !state.onCancel } : state;
    case "backspace":
      return { ...state, typed: state.typed.slice(0, -1), onCancel: true };
    default:
      if (!needsNumber(state.question) || !/^\d$/.test(key)) return state;
      return { ...state, typed: (state.typed + key).slice(-9), onCancel: true };
  }
}
