-- Metrics addresses of the machines behind an endpoint, and what they answered while a run went on; those
-- of before have none.
ALTER TABLE endpoint ADD COLUMN metrics_urls TEXT CHECK(json_valid(metrics_urls));
ALTER TABLE sample ADD COLUMN remote TEXT CHECK(json_valid(remote));
