-- A database as version 1 wrote it. Frozen: never edit.
PRAGMA auto_vacuum = INCREMENTAL;
-- Times are microseconds since 1970 UTC (…_us) or since the start of the run (sent_us, t_us).
-- A column that may be null holds null for "not measured", never zero.
PRAGMA application_id = 0x494E464D;

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
) STRICT;
CREATE INDEX run_created ON run(created_us DESC, id DESC);
CREATE INDEX run_status  ON run(status, created_us DESC);
CREATE INDEX run_model   ON run(model, created_us DESC);
CREATE INDEX run_dataset ON run(dataset_id, created_us DESC) WHERE dataset_id IS NOT NULL;
CREATE INDEX run_deleted ON run(deleted_us) WHERE deleted_us IS NOT NULL;

-- A request without a run is an imported result (sample data of debug mode, for one).
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
) STRICT;
CREATE UNIQUE INDEX request_run ON request(run_id, n);
-- Covers the averages, so that they never touch the table itself.
CREATE INDEX request_time ON request(started_us, run_id, sample, output_tokens, ttft_us, tpot_us, last_us)
  WHERE outcome = 'ok' AND phase = 'measure';

-- Text and chunk times stand apart, so that scans of request stay small.
CREATE TABLE request_detail(
  id     INTEGER PRIMARY KEY REFERENCES request(id) ON DELETE CASCADE,
  prompt TEXT,
  output TEXT,
  chunks BLOB,
  crc    INTEGER
) STRICT;

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
) STRICT;
CREATE INDEX sample_run ON sample(run_id, t_us);

CREATE TABLE phase(
  id     INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
  phase  TEXT NOT NULL,
  t_us   INTEGER NOT NULL,
  at_us  INTEGER NOT NULL
) STRICT;
CREATE INDEX phase_run ON phase(run_id, t_us);

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
  max_tokens INTEGER,
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
) STRICT;

CREATE TABLE kv(
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

PRAGMA user_version = 1;

INSERT INTO run(id, job_id, name, status, model, engine, task, created_us, started_us, pinned, sample, notes, tags, hardware, plan)
VALUES(1, '5f0c6c1e-0000-4000-8000-000000000001', 'first', 'completed', 'm', 'llama-server', 'text-generation',
  1767225600000000, 1767225601000000, 0, 0, '', '["old"]', '{}', '{"model_id":"m","max_tokens":128,"dataset_id":null}');
INSERT INTO request(id, request_id, run_id, n, phase, outcome, error_class, error_message, started_us, sent_us, ttft_us, last_us,
  output_tokens, tokens_from, finish_reason, server, prompt_sha256)
VALUES(1, 'q1', 1, 0, 'measure', 'ok', '', '', 1767225602000000, 1000000, 1500, 3600, 3, 'usage', 'length',
  '{"prompt_tokens":2,"cached_tokens":0,"prompt_ms":1.5,"predicted_tokens":3,"predicted_ms":2.1}', ''),
  (2, 'seed', NULL, 0, 'measure', 'ok', '', '', 1717243200000000, 0, 200000, 500000, 10, 'import', '', NULL, '');
UPDATE request SET sample = 1 WHERE id = 2;
INSERT INTO request_detail VALUES(1, 'Hello', 'Hi you', X'0103b817e707c80101020201', 1917944689), (2, 'p', 'g', NULL, NULL);
INSERT INTO sample(run_id, t_us, at_us, phase, cpu_pct, cpu_cores, late_ms) VALUES(1, 1000000, 1767225602000000, 'measure', 12.5, X'000000000000f03f0000000000003840', 0.1);
INSERT INTO phase(run_id, phase, t_us, at_us) VALUES(1, 'measure', 900000, 1767225601900000);
INSERT INTO kv VALUES('settings', '{}');
