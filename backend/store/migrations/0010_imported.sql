-- Where a run comes from that was not measured here; null for one that was.
ALTER TABLE run ADD COLUMN imported TEXT CHECK(json_valid(imported));
-- To know a file again.
CREATE INDEX run_imported ON run(imported ->> '$.sha256') WHERE imported IS NOT NULL;
