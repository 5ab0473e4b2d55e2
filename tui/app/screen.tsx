/**
 * The React side: a picture of ready lines, one text element a row, so that layout costs next to nothing.
 *
 * What Ink is given of a row is its place, and `filledIn` puts the row there on the way out. Ink would take every styled
 * row apart, character by character, and put it together again, which was most of what the console worked; and it keeps
 * every text it has ever measured, without a bound: a console that shows new lines for days would fill the memory.
 */
import { Box, Transform } from "ink";
import { memo, useSyncExternalStore } from "react";
import type { AppStore } from "./store.ts";

export function Screen({ store }: { store: Pick<AppStore, "picture" | "subscribe"> }) {
  const { size, rows } = useSyncExternalStore(store.subscribe, store.picture);
  return (
    <Box flexDirection="column" width={size.columns} height={rows.length}>
      {rows.map((row, index) => <Row key={index} text={row} place={index} />)}
    </Box>
  );
}

/** What Ink measures: always the same. */
const MEASURED = ".";

/** Drawn anew when its text is another one. */
const Row = memo(function Row({ place }: { text: string; place: number }) {
  return <Transform transform={() => String(place)}>{MEASURED}</Transform>;
});

/** A frame of Ink's with the rows in their places. */
export function filledIn(frame: string, rows: readonly string[]): string {
  return frame.split("\n").map((place) => rows[Number(place)] ?? "").join("\n");
}
