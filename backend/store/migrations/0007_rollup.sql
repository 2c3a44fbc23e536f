-- Exact sums of results by time, so that an average over any window reads a bounded number of rows.
--
-- A result is a successful measured request whose run is not in the trash, or an imported one. Its
-- square fits where every figure is at least 0 and below 2^31 (36 minutes in microseconds); the few
-- others stay out of the sums and are read one by one.
CREATE VIEW result AS
SELECT request.id, run_id, request.started_us AS at_us, (request.sample OR ifnull(run.sample, 0)) AS sample,
  ifnull(model, '') AS model, engine, dataset_id, tags,
  output_tokens AS tokens, ttft_us AS ttft, tpot_us AS tpot, last_us AS total,
  (ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0 AS fits
FROM request LEFT JOIN run ON run.id = run_id
WHERE outcome = 'ok' AND phase = 'measure' AND (run_id IS NULL OR run.id IS NOT NULL AND deleted_us IS NULL);

CREATE INDEX request_unfit ON request(started_us)
  WHERE outcome = 'ok' AND phase = 'measure'
  AND NOT ((ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0);
-- The results that do not fit. By itself SQLite would read all results of a window to find them.
CREATE VIEW unfit_result AS
SELECT request.id, run_id, request.started_us AS at_us, (request.sample OR ifnull(run.sample, 0)) AS sample,
  ifnull(model, '') AS model, engine, dataset_id, tags,
  output_tokens AS tokens, ttft_us AS ttft, tpot_us AS tpot, last_us AS total
FROM request INDEXED BY request_unfit LEFT JOIN run ON run.id = run_id
WHERE outcome = 'ok' AND phase = 'measure' AND (run_id IS NULL OR run.id IS NOT NULL AND deleted_us IS NULL)
  AND NOT ((ifnull(output_tokens, 0) | ifnull(ttft_us, 0) | ifnull(tpot_us, 0) | ifnull(last_us, 0)) >> 31 = 0);
-- For the averages of chosen runs.
CREATE INDEX request_result ON request(run_id, started_us, sample, output_tokens, ttft_us, tpot_us, last_us)
  WHERE outcome = 'ok' AND phase = 'measure' AND run_id IS NOT NULL;

-- The sums of the results with at_us >> shift = bucket. Of each figure: how many have it, their sum,
-- and the sums of the upper and the lower 32 bits of their squares.
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

-- What a transaction adds (n = 1) and takes away (n = -1); it is folded into agg before the commit.
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

-- The deltas as rows of agg, each level from the one below.
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

CREATE TRIGGER request_insert_agg AFTER INSERT ON request WHEN NEW.outcome = 'ok' AND NEW.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = NEW.id;
END;

CREATE TRIGGER request_delete_agg BEFORE DELETE ON request WHEN OLD.outcome = 'ok' AND OLD.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = OLD.id;
END;

CREATE TRIGGER request_before_agg BEFORE UPDATE OF run_id, sample, outcome, phase, started_us, output_tokens, ttft_us, tpot_us, last_us ON request
WHEN OLD.outcome = 'ok' AND OLD.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = OLD.id;
END;

CREATE TRIGGER request_after_agg AFTER UPDATE OF run_id, sample, outcome, phase, started_us, output_tokens, ttft_us, tpot_us, last_us ON request
WHEN NEW.outcome = 'ok' AND NEW.phase = 'measure' BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND id = NEW.id;
END;

-- A deleted run takes its requests along only after it is gone itself; then they count no more.
CREATE TRIGGER run_delete_agg BEFORE DELETE ON run WHEN OLD.deleted_us IS NULL BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = OLD.id;
END;

CREATE TRIGGER run_before_agg BEFORE UPDATE OF deleted_us, model, sample ON run
WHEN (OLD.deleted_us, OLD.model, OLD.sample) IS NOT (NEW.deleted_us, NEW.model, NEW.sample) BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT -1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = OLD.id;
END;

CREATE TRIGGER run_after_agg AFTER UPDATE OF deleted_us, model, sample ON run
WHEN (OLD.deleted_us, OLD.model, OLD.sample) IS NOT (NEW.deleted_us, NEW.model, NEW.sample) BEGIN
  INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
  SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits AND run_id = NEW.id;
END;

-- What is there already counts as one change.
INSERT INTO agg_delta(n, at_us, sample, model, tokens, ttft, tpot, total)
SELECT 1, at_us, sample, model, tokens, ttft, tpot, total FROM result WHERE fits;
INSERT INTO agg SELECT * FROM agg_pending;
DELETE FROM agg_delta;
