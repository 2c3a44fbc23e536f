-- Measurements of quality. The records are the truth; the summary is what they came to when it ended.
CREATE TABLE quality(
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL,
  model           TEXT NOT NULL,
  model_sha256    TEXT NOT NULL,
  endpoint_id     TEXT,
  reference       TEXT,
  reference_sha256 TEXT NOT NULL,
  language        TEXT NOT NULL,
  pack            TEXT NOT NULL, -- name and checksum of the questions or texts
  engine          TEXT NOT NULL,
  engine_build    TEXT NOT NULL,
  status          TEXT NOT NULL,
  created_us      INTEGER NOT NULL,
  started_us      INTEGER,
  ended_us        INTEGER,
  error           TEXT CHECK(json_valid(error)),
  summary         TEXT CHECK(json_valid(summary))
) STRICT;
CREATE INDEX quality_model ON quality(model, created_us);

-- One answer, or one text with every token of it, as packed JSON.
CREATE TABLE quality_record(
  quality_id TEXT NOT NULL REFERENCES quality(id) ON DELETE CASCADE,
  n          INTEGER NOT NULL,
  data       BLOB NOT NULL,
  PRIMARY KEY(quality_id, n)
) STRICT, WITHOUT ROWID;
