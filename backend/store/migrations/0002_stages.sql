-- What stages, open loads, conversations and the client's own health need. Rows of before have had
-- one stage, one turn and no due time.
ALTER TABLE request ADD COLUMN stage             INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN conversation      INTEGER;
ALTER TABLE request ADD COLUMN turn              INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN max_tokens        INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN due_us            INTEGER;
ALTER TABLE request ADD COLUMN http_status       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN retry_after_s     REAL;
ALTER TABLE request ADD COLUMN text_tokens       INTEGER;
ALTER TABLE request ADD COLUMN text_tokens_exact INTEGER NOT NULL DEFAULT 0;

ALTER TABLE phase ADD COLUMN stage TEXT CHECK(json_valid(stage));
ALTER TABLE run ADD COLUMN client TEXT CHECK(json_valid(client));

ALTER TABLE dataset_prompt ADD COLUMN history       TEXT CHECK(json_valid(history));
ALTER TABLE dataset_prompt ADD COLUMN turns         TEXT CHECK(json_valid(turns));
ALTER TABLE dataset_prompt ADD COLUMN input_tokens  INTEGER;
ALTER TABLE dataset_prompt ADD COLUMN at_ms         REAL;
ALTER TABLE dataset_prompt ADD COLUMN shared_prefix INTEGER NOT NULL DEFAULT 0;
