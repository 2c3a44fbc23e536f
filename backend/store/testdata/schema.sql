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
, client TEXT CHECK(json_valid(client)), bottleneck TEXT CHECK(json_valid(bottleneck))) STRICT;
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
CREATE INDEX phase_run ON phase(run_id, t_us);
CREATE UNIQUE INDEX request_run ON request(run_id, n);
CREATE INDEX request_time ON request(started_us, run_id, sample, output_tokens, ttft_us, tpot_us, last_us)
  WHERE outcome = 'ok' AND phase = 'measure';
CREATE INDEX run_created ON run(created_us DESC, id DESC);
CREATE INDEX run_dataset ON run(dataset_id, created_us DESC) WHERE dataset_id IS NOT NULL;
CREATE INDEX run_deleted ON run(deleted_us) WHERE deleted_us IS NOT NULL;
CREATE INDEX run_model   ON run(model, created_us DESC);
CREATE INDEX run_status  ON run(status, created_us DESC);
CREATE INDEX sample_run ON sample(run_id, t_us);
