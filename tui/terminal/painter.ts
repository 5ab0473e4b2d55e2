/**
 * Frames → what to write. Ink hands over every frame whole; only lines that differ from what the terminal shows are
 * written, each at its own place, so that a lost or foreign byte never shifts the rest, and an equal frame is no byte.
 */

const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";

export class Painter {
  #shown: readonly string[] = [];

  /** The terminal shows something else now: the next frame is written as a whole. */
  forget(): void {
    this.#shown = [];
  }

  paint(frame: string): string {
    const lines = frame.split("\n");
    let changes = this.#shown.length === 0 ? "\x1b[2J" : "";
    for (let row = 0; row < Math.max(lines.length, this.#shown.length); row++) {
      const line = lines[row] ?? "";
      // Cleared before, not after: behind a full line the cursor stands on its last character.
      if (line !== this.#shown[row]) changes += `\x1b[${row + 1};1H\x1b[K${line}\x1b[0m`;
    }
    this.#shown = lines;
    return changes === "" ? "" : BEGIN + changes + END;
  }
}
