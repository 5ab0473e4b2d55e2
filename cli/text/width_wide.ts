/** Widths of texts in any script. */
import stringWidth from "string-width";

export function wideWidth(text: string): number {
  return stringWidth(text);
}
