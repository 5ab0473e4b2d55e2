import assert from "node:assert/strict";
import { render } from "ink";
import { inkOutput, noInput } from "../terminal/ink_output.ts";
import { filledIn, Screen } from "./screen.tsx";
import type { Picture } from "./store.ts";

Deno.test("Ink is given the places of rows only, and each row comes out in its place, changed ones too", async () => {
  const size = { columns: 20, rows: 3 };
  let picture: Picture = { size, rows: ["\x1b[1mfirst\x1b[22m".padEnd(29), "", "漢字".padEnd(18)] };
  let tell = () => {};
  const store = {
    picture: () => picture,
    subscribe: (listener: () => void) => {
      tell = listener;
      return () => {};
    },
  };
  const frames: string[] = [];
  let drawn = () => {};
  const output = inkOutput(() => size, (frame) => {
    frames.push(frame);
    drawn();
  });
  const settings = { stdout: output, stdin: noInput(), stderr: output, debug: true, patchConsole: false };
  const ink = render(<Screen store={store} />, { ...settings, exitOnCtrlC: false, interactive: true });
  assert.equal(filledIn(frames.at(-1)!, picture.rows), picture.rows.join("\n"));
  const next = new Promise<void>((resolve) => drawn = resolve);
  picture = { size, rows: picture.rows.with(2, "another".padEnd(20)) };
  tell();
  await next;
  assert.equal(filledIn(frames.at(-1)!, picture.rows), picture.rows.join("\n"));
  for (const frame of frames) assert.doesNotMatch(frame, /first|another|漢/);
  ink.unmount();
});
