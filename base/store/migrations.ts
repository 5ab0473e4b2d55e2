/**
 * The database's shape, as numbered steps; step N brings `user_version` from N - 1 to N. Steps are append-only: a
 * released one never changes. Tables are named for a human with the sqlite3 shell: `SELECT * FROM line`.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Rows of all tables. Keys are text as it is, but for a few characters: see base/store/key.ts.
CREATE TABLE row(
  tbl TEXT NOT NULL,
  key TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (tbl, key)
) WITHOUT ROWID;

CREATE TABLE stream(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- One past the highest offset of what trims removed; the segments may reach further.
  trimmed_end INTEGER NOT NULL DEFAULT 0
);

-- Consecutive lines of a stream: one appended frame, its lines joined by a line feed. Ordered by arrival, so that
-- writing is sequential however many streams there are.
CREATE TABLE segment(
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES stream(id),
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body TEXT NOT NULL
);
-- Holds all of a segment but its body, so that opening and trimming need not touch the bodies.
CREATE UNIQUE INDEX segment_place ON segment(stream, first, count, bytes);

-- One row per line, for humans. U+10FFFF stands between lines while JSON quoting is at work.
CREATE VIEW line AS
SELECT stream.name AS stream, segment.first + piece.key AS "offset", piece.value AS text
FROM segment
JOIN stream ON stream.id = segment.stream
JOIN json_each(
  '[' || replace(json_quote(replace(segment.body, char(10), char(1114111))), char(1114111), '","') || ']'
) AS piece;
`,
  `
-- Without the index on names: each run is a stream, and its name's place among all agents' is a random page.
DROP VIEW line;
CREATE TABLE stream_next(
  id INTEGER PRIMARY KEY,
  -- Names differ; what holds all of them in memory sees to it (base/store/sqlite_streams.ts).
  name TEXT NOT NULL,
  -- One past the highest offset of what trims removed; the segments may reach further.
  trimmed_end INTEGER NOT NULL DEFAULT 0
);
INSERT INTO stream_next(id, name, trimmed_end) SELECT id, name, trimmed_end FROM stream;
DROP TABLE stream;
ALTER TABLE stream_next RENAME TO stream;

-- One row per line, for humans. U+10FFFF stands between lines while JSON quoting is at work.
CREATE VIEW line AS
SELECT stream.name AS stream, segment.first + piece.key AS "offset", piece.value AS text
FROM segment
JOIN stream ON stream.id = segment.stream
JOIN json_each(
  '[' || replace(json_quote(replace(segment.body, char(10), char(1114111))), char(1114111), '","') || ']'
) AS piece;
`,
];

/** Marks the file as ours ("JBWK"), so that another program's database is never written to. */
export const APPLICATION_ID = 0x4a42574b;
