CREATE VIEW agg_pending AS
WITH
  l0 AS MATERIALIZED (SELECT at_us >> 22 AS bucket, sample, model, sum(n) AS n,
    sum(n * (tokens IS NOT NULL)) AS tokens_n, ifnull(sum(n * tokens), 0) AS tokens_sum,
    ifnull(sum(n * (tokens * tokens >> 32)), 0) AS tokens_hi, ifnull(sum(n * (tokens * tokens & 0xFFFFFFFF)), 0) AS tokens_lo,
    sum(n * (ttft IS NOT NULL)) AS ttft_n, ifnull(sum(n * ttft), 0) AS ttft_sum,
    ifnull(sum(n * (ttft * ttft >> 32)), 0) AS ttft_hi, ifnull(sum(n * (ttft * ttft & 0xFFFFFFFF)), 0) AS ttft_lo,
    sum(n * (tpot IS NOT NULL)) AS tpot_n, ifnull(sum(n * tpot), 0) AS tpot_sum,
    ifnull(sum(n * (tpot * tpot >> 32)), 0) AS tpot_hi, ifnull(sum(n * (tpot * tpot & 0xFFFFFFFF)), 0) AS tpot_lo,
    sum(n * (total IS NOT NULL)) AS total_n, ifnull(sum(n * total), 0) AS total_sum,
    ifnull(sum(n * (total * total >> 32)), 0) AS total_hi, ifnull(sum(n * (total * total & 0xFFFFFFFF)), 0) AS total_lo
    FROM agg_delta GROUP BY 1, 2, 3),
  l1 AS MATERIALIZED (SELECT bucket >> 5 AS bucket, sample, model, sum(n) AS n,
    sum(tokens_n) AS tokens_n, sum(tokens_sum) AS tokens_sum, sum(tokens_hi) AS tokens_hi, sum(tokens_lo) AS tokens_lo,
    sum(ttft_n) AS ttft_n, sum(ttft_sum) AS ttft_sum, sum(ttft_hi) AS ttft_hi, sum(ttft_lo) AS ttft_lo,
    sum(tpot_n) AS tpot_n, sum(tpot_sum) AS tpot_sum, sum(tpot_hi) AS tpot_hi, sum(tpot_lo) AS tpot_lo,
    sum(total_n) AS total_n, sum(total_sum) AS total_sum, sum(total_hi) AS total_hi, sum(total_lo) AS total_lo
    FROM l0 GROUP BY 1, 2, 3),
  l2 AS MATERIALIZED (SELECT bucket >> 5 AS bucket, sample, model, sum(n) AS n,
    sum(tokens_n) AS tokens_n, sum(tokens_sum) AS tokens_sum, sum(tokens_hi) AS tokens_hi, sum(tokens_lo) AS tokens_lo,
    sum(ttft_n) AS ttft_n, sum(ttft_sum) AS ttft_sum, sum(ttft_hi) AS ttft_hi, sum(ttft_lo) AS ttft_lo,
    sum(tpot_n) AS tpot_n, sum(tpot_sum) AS tpot_sum, sum(tpot_hi) AS tpot_hi, sum(tpot_lo) AS tpot_lo,
    sum(total_n) AS total_n, sum(total_sum) AS total_sum, sum(total_hi) AS total_hi, sum(total_lo) AS total_lo
    FROM l1 GROUP BY 1, 2, 3),
  l3 AS MATERIALIZED (SELECT bucket >> 5 AS bucket, sample, model, sum(n) AS n,
    sum(tokens_n) AS tokens_n, sum(tokens_sum) AS tokens_sum, sum(tokens_hi) AS tokens_hi, sum(tokens_lo) AS tokens_lo,
    sum(ttft_n) AS ttft_n, sum(ttft_sum) AS ttft_sum, sum(ttft_hi) AS ttft_hi, sum(ttft_lo) AS ttft_lo,
    sum(tpot_n) AS tpot_n, sum(tpot_sum) AS tpot_sum, sum(tpot_hi) AS tpot_hi, sum(tpot_lo) AS tpot_lo,
    sum(total_n) AS total_n, sum(total_sum) AS total_sum, sum(total_hi) AS total_hi, sum(total_lo) AS total_lo
    FROM l2 GROUP BY 1, 2, 3),
  l4 AS MATERIALIZED (SELECT bucket >> 5 AS bucket, sample, model, sum(n) AS n,
    sum(tokens_n) AS tokens_n, sum(tokens_sum) AS tokens_sum, sum(tokens_hi) AS tokens_hi, sum(tokens_lo) AS tokens_lo,
    sum(ttft_n) AS ttft_n, sum(ttft_sum) AS ttft_sum, sum(ttft_hi) AS ttft_hi, sum(ttft_lo) AS ttft_lo,
    sum(tpot_n) AS tpot_n, sum(tpot_sum) AS tpot_sum, sum(tpot_hi) AS tpot_hi, sum(tpot_lo) AS tpot_lo,
    sum(total_n) AS total_n, sum(total_sum) AS total_sum, sum(total_hi) AS total_hi, sum(total_lo) AS total_lo
    FROM l3 GROUP BY 1, 2, 3)
SELECT 22 AS shift, * FROM l0
UNION ALL SELECT 27, * FROM l1
UNION ALL SELECT 32, * FROM l2
UNION ALL SELECT 37, * FROM l3
UNION ALL SELECT 42, * FROM l4;
CREATE VIEW result AS
SELECT request.id, run_id, request.started_us AS at_us, (request.sample OR ifnull(run.sample, 0)) AS sample,
  ifnull(model, '') AS model, engine, dataset_id, tags,
  output_tokens AS tokens, ttft_us AS ttft, tpot_us AS tpot, last_us AS total,
  (ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0 AS fits
FROM request LEFT JOIN run ON run.id = run_id
WHERE outcome = 'ok' AND phase = 'measure' AND (run_id IS NULL OR run.id IS NOT NULL AND deleted_us IS NULL);
CREATE VIEW search_text AS
SELECT search_doc.id, prompt, output FROM search_doc JOIN request_detail ON request_detail.id = search_doc.request;
CREATE VIEW unfit_result AS
SELECT request.id, run_id, request.started_us AS at_us, (request.sample OR ifnull(run.sample, 0)) AS sample,
  ifnull(model, '') AS model, engine, dataset_id, tags,
  output_tokens AS tokens, ttft_us AS ttft, tpot_us AS tpot, last_us AS total
FROM request INDEXED BY request_unfit LEFT JOIN run ON run.id = run_id
WHERE outcome = 'ok' AND phase = 'measure' AND (run_id IS NULL OR run.id IS NOT NULL AND deleted_us IS NULL)
  AND NOT ((ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0);
CREATE TRIGGER request_after_agg AFTER UPDATE OF run_id, sample, outcome, phase, started_us, output_tokens, ttft_us, tpot_us, last_us ON request
WHEN NEW.outcome = 'ok' AND NEW.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = NEW.id;
END;
CREATE TRIGGER request_before_agg BEFORE UPDATE OF run_id, sample, outcome, phase, started_us, output_tokens, ttft_us, tpot_us, last_us ON request
WHEN OLD.outcome = 'ok' AND OLD.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = OLD.id;
END;
CREATE TRIGGER request_delete_agg BEFORE DELETE ON request WHEN OLD.outcome = 'ok' AND OLD.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = OLD.id;
END;
CREATE TRIGGER request_insert_agg AFTER INSERT ON request WHEN NEW.outcome = 'ok' AND NEW.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = NEW.id;
END;
CREATE TRIGGER run_after_agg AFTER UPDATE OF deleted_us, model, sample ON run
WHEN (OLD.deleted_us, OLD.model, OLD.sample) IS NOT (NEW.deleted_us, NEW.model, NEW.sample) BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = NEW.id;
END;
CREATE TRIGGER run_before_agg BEFORE UPDATE OF deleted_us, model, sample ON run
WHEN (OLD.deleted_us, OLD.model, OLD.sample) IS NOT (NEW.deleted_us, NEW.model, NEW.sample) BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = OLD.id;
END;
CREATE TRIGGER run_delete_agg BEFORE DELETE ON run WHEN OLD.deleted_us IS NULL BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = OLD.id;
END;
CREATE TRIGGER search_name_delete BEFORE DELETE ON run BEGIN
  DELETE FROM search_name WHERE rowid = OLD.id;
END;
CREATE TRIGGER search_name_insert AFTER INSERT ON run BEGIN
  INSERT INTO search_name(rowid, name, model, tags, notes)
  VALUES(NEW.id, NEW.name, NEW.model, (SELECT group_concat(value, ', ') FROM json_each(NEW.tags)), NEW.notes);
END;
CREATE TRIGGER search_name_update AFTER UPDATE OF name, model, tags, notes ON run
WHEN (OLD.name, OLD.model, OLD.tags, OLD.notes) IS NOT (NEW.name, NEW.model, NEW.tags, NEW.notes) BEGIN
  UPDATE search_name SET name = NEW.name, model = NEW.model, notes = NEW.notes,
    tags = (SELECT group_concat(value, ', ') FROM json_each(NEW.tags)) WHERE rowid = NEW.id;
END;
CREATE TRIGGER search_request_delete BEFORE DELETE ON request_detail
WHEN EXISTS(SELECT 1 FROM search_doc WHERE request = OLD.id) BEGIN
  INSERT INTO search_request(search_request, rowid, prompt, output)
  SELECT 'delete', id, OLD.prompt, OLD.output FROM search_doc WHERE request = OLD.id;
  DELETE FROM search_doc WHERE request = OLD.id;
END;
CREATE TRIGGER search_request_update BEFORE UPDATE OF prompt, output ON request_detail
WHEN EXISTS(SELECT 1 FROM search_doc WHERE request = OLD.id) BEGIN
  INSERT INTO search_request(search_request, rowid, prompt, output)
  SELECT 'delete', id, OLD.prompt, OLD.output FROM search_doc WHERE request = OLD.id;
  DELETE FROM search_doc WHERE request = OLD.id;
END;
CREATE TABLE agg(
  shift  INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  model  TEXT NOT NULL,
  n      INTEGER NOT NULL,
  tokens_n INTEGER NOT NULL, tokens_sum INTEGER NOT NULL, tokens_hi INTEGER NOT NULL, tokens_lo INTEGER NOT NULL,
  ttft_n INTEGER NOT NULL, ttft_sum INTEGER NOT NULL, ttft_hi INTEGER NOT NULL, ttft_lo INTEGER NOT NULL,
  tpot_n INTEGER NOT NULL, tpot_sum INTEGER NOT NULL, tpot_hi INTEGER NOT NULL, tpot_lo INTEGER NOT NULL,
  total_n INTEGER NOT NULL, total_sum INTEGER NOT NULL, total_hi INTEGER NOT NULL, total_lo INTEGER NOT NULL,
  PRIMARY KEY(shift, bucket, sample, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE agg_delta(
  id     INTEGER PRIMARY KEY,
  n      INTEGER NOT NULL,
  at_us  INTEGER NOT NULL,
  sample INTEGER NOT NULL,
  model  TEXT NOT NULL,
  tokens INTEGER,
  ttft   INTEGER,
  tpot   INTEGER,
  total  INTEGER
) STRICT;
CREATE TABLE alert(
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL CHECK(kind IN ('level','run','build')),
  series          TEXT NOT NULL,
  since           TEXT NOT NULL, -- the first run that differs
  created_us      INTEGER NOT NULL,
  acknowledged_us INTEGER,
  body            TEXT NOT NULL CHECK(json_valid(body)) -- all of it, with its figures
) STRICT;
CREATE TABLE dataset(
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  description TEXT NOT NULL,
  prompts     INTEGER NOT NULL,
  language    TEXT NOT NULL,
  builtin     INTEGER NOT NULL,
  sha256      TEXT NOT NULL,
  created_us  INTEGER NOT NULL
) STRICT;
CREATE TABLE dataset_prompt(
  dataset_id TEXT NOT NULL REFERENCES dataset(id) ON DELETE CASCADE,
  seq        INTEGER NOT NULL,
  id         TEXT NOT NULL,
  text       TEXT NOT NULL,
  max_tokens INTEGER, history       TEXT CHECK(json_valid(history)), turns         TEXT CHECK(json_valid(turns)), input_tokens  INTEGER, at_ms         REAL, shared_prefix INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(dataset_id, seq)
) STRICT;
CREATE TABLE endpoint(
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  base_url   TEXT NOT NULL,
  kind       TEXT NOT NULL,
  has_key    INTEGER NOT NULL,
  key_from   TEXT NOT NULL,
  created_us INTEGER NOT NULL
, metrics_urls TEXT CHECK(json_valid(metrics_urls))) STRICT;
CREATE TABLE experiment(
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  seed       INTEGER NOT NULL,
  pairs      INTEGER NOT NULL,
  min_effect REAL NOT NULL, -- percent
  arms       TEXT NOT NULL CHECK(json_valid(arms)),
  run_order  TEXT NOT NULL CHECK(json_valid(run_order)), -- of each block: the arms in their order
  created_us INTEGER NOT NULL
, design TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(design)), ended TEXT CHECK(json_valid(ended))) STRICT;
CREATE TABLE kv(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
CREATE TABLE phase(
  id     INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  phase  TEXT NOT NULL,
  t_us   INTEGER NOT NULL,
  at_us  INTEGER NOT NULL
, stage TEXT CHECK(json_valid(stage))) STRICT;
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
CREATE TABLE quality_record(
  quality_id TEXT NOT NULL REFERENCES quality(id) ON DELETE CASCADE,
  n          INTEGER NOT NULL,
  data       BLOB NOT NULL,
  PRIMARY KEY(quality_id, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE request(
  id            INTEGER PRIMARY KEY,
  request_id    TEXT NOT NULL UNIQUE,
  run_id        INTEGER REFERENCES run(id) ON DELETE CASCADE,
  sample        INTEGER NOT NULL DEFAULT 0,
  n             INTEGER NOT NULL,
  phase         TEXT NOT NULL,
  outcome       TEXT NOT NULL,
  error_class   TEXT NOT NULL,
  error_message TEXT NOT NULL,
  started_us    INTEGER NOT NULL,
  sent_us       INTEGER NOT NULL,
  first_byte_us INTEGER,
  ttft_us       INTEGER,
  ttfv_us       INTEGER,
  last_us       INTEGER,
  closed_us     INTEGER,
  tpot_us       INTEGER,
  prompt_tokens INTEGER,
  output_tokens INTEGER,
  cached_tokens INTEGER,
  tokens_from   TEXT NOT NULL,
  finish_reason TEXT NOT NULL,
  server        TEXT CHECK(json_valid(server)),
  prompt_sha256 TEXT NOT NULL
, stage             INTEGER NOT NULL DEFAULT 0, conversation      INTEGER, turn              INTEGER NOT NULL DEFAULT 0, max_tokens        INTEGER NOT NULL DEFAULT 0, due_us            INTEGER, http_status       INTEGER NOT NULL DEFAULT 0, retry_after_s     REAL, text_tokens       INTEGER, text_tokens_exact INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE request_detail(
  id     INTEGER PRIMARY KEY REFERENCES request(id) ON DELETE CASCADE,
  prompt TEXT,
  output TEXT,
  chunks BLOB,
  crc    INTEGER
) STRICT;
CREATE TABLE run(
  id               INTEGER PRIMARY KEY,
  job_id           TEXT NOT NULL UNIQUE,
  name             TEXT NOT NULL,
  status           TEXT NOT NULL,
  model            TEXT NOT NULL,
  engine           TEXT NOT NULL,
  task             TEXT NOT NULL,
  created_us       INTEGER NOT NULL,
  started_us       INTEGER,
  ended_us         INTEGER,
  deleted_us       INTEGER,
  pinned           INTEGER NOT NULL,
  sample           INTEGER NOT NULL,
  duration_s       REAL,
  tokens_generated INTEGER,
  output           TEXT,
  notes            TEXT NOT NULL,
  tags             TEXT CHECK(json_valid(tags)),
  hardware         TEXT CHECK(json_valid(hardware)),
  plan             TEXT NOT NULL CHECK(json_valid(plan)),
  progress         TEXT CHECK(json_valid(progress)),
  summary          TEXT CHECK(json_valid(summary)),
  validity         TEXT CHECK(json_valid(validity)),
  warnings         TEXT CHECK(json_valid(warnings)),
  environment      TEXT CHECK(json_valid(environment)),
  error            TEXT CHECK(json_valid(error)),
  dataset_id       TEXT AS (plan ->> '$.dataset_id') STORED
, client TEXT CHECK(json_valid(client)), bottleneck TEXT CHECK(json_valid(bottleneck)), imported TEXT CHECK(json_valid(imported)), experiment TEXT CHECK(json_valid(experiment))) STRICT;
CREATE TABLE sample(
  id          INTEGER PRIMARY KEY,
  run_id      INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  t_us        INTEGER NOT NULL,
  at_us       INTEGER NOT NULL,
  phase       TEXT NOT NULL,
  cpu_pct     REAL,
  cpu_cores   BLOB,
  ram_gb      REAL,
  swap_gb     REAL,
  engine_cpu  REAL,
  engine_gb   REAL,
  self_cpu    REAL,
  gpu_pct     REAL,
  vram_gb     REAL,
  power_w     REAL,
  gpu_temp_c  REAL,
  gpus        TEXT CHECK(json_valid(gpus)),
  late_ms     REAL NOT NULL
, gauges BLOB, remote TEXT CHECK(json_valid(remote))) STRICT;
CREATE TABLE saved_view(
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
  filters    TEXT NOT NULL CHECK(json_valid(filters)),
  sort       TEXT NOT NULL CHECK(json_valid(sort)),
  columns    TEXT CHECK(json_valid(columns)),
  created_us INTEGER NOT NULL
) STRICT;
CREATE TABLE search_doc(
  id      INTEGER PRIMARY KEY,
  request INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TABLE search_made(
  sha256 TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search_name USING fts5(name, model, tags, notes,
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3', columnsize=0);
CREATE TABLE 'search_name_config'(k PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE 'search_name_content'(id INTEGER PRIMARY KEY, c0, c1, c2, c3);
CREATE TABLE 'search_name_data'(id INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE 'search_name_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE VIRTUAL TABLE search_request USING fts5(prompt, output, content='search_text', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3', columnsize=0);
CREATE TABLE 'search_request_config'(k PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE 'search_request_data'(id INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE 'search_request_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE TABLE search_run(
  run_id INTEGER PRIMARY KEY REFERENCES run(id) ON DELETE CASCADE
) STRICT;
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
CREATE INDEX alert_created ON alert(created_us);
CREATE INDEX alert_series ON alert(series);
CREATE INDEX phase_run ON phase(run_id, t_us);
CREATE INDEX quality_model ON quality(model, created_us);
CREATE INDEX request_result ON request(run_id, started_us, sample, output_tokens, ttft_us, tpot_us, last_us)
  WHERE outcome = 'ok' AND phase = 'measure' AND run_id IS NOT NULL;
CREATE UNIQUE INDEX request_run ON request(run_id, n);
CREATE INDEX request_time ON request(started_us, run_id, sample, output_tokens, ttft_us, tpot_us, last_us)
  WHERE outcome = 'ok' AND phase = 'measure';
CREATE INDEX request_unfit ON request(started_us)
  WHERE outcome = 'ok' AND phase = 'measure'
  AND NOT ((ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0);
CREATE INDEX run_created ON run(created_us DESC, id DESC);
CREATE INDEX run_dataset ON run(dataset_id, created_us DESC) WHERE dataset_id IS NOT NULL;
CREATE INDEX run_deleted ON run(deleted_us) WHERE deleted_us IS NOT NULL;
CREATE INDEX run_experiment ON run(experiment ->> '$.id', experiment ->> '$.block', id) WHERE experiment IS NOT NULL;
CREATE INDEX run_imported ON run(imported ->> '$.sha256') WHERE imported IS NOT NULL;
CREATE INDEX run_model   ON run(model, created_us DESC);
CREATE INDEX run_status  ON run(status, created_us DESC);
CREATE INDEX sample_run ON sample(run_id, t_us);
CREATE UNIQUE INDEX telemetry_chunk ON telemetry(run_id, chunk, series);
CREATE INDEX telemetry_time ON telemetry(run_id, to_us, from_us, chunk) WHERE series = 0;
