-- The readings of a run in chunks: one row for each sensor that has any in the chunk, see series.go for
-- their numbers and column.go for data. The row of series 0 has the times of the readings, and alone says
-- how many there are and from when to when. Newer readings lie in sample until there are enough of them.
CREATE TABLE telemetry(
  id      INTEGER PRIMARY KEY,
  run_id  INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  chunk   INTEGER NOT NULL,
  series  INTEGER NOT NULL,
  n       INTEGER,
  from_us INTEGER,
  to_us   INTEGER,
  crc     INTEGER NOT NULL,
  data    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX telemetry_chunk ON telemetry(run_id, chunk, series);
CREATE INDEX telemetry_time ON telemetry(run_id, to_us, from_us, chunk) WHERE series = 0;
