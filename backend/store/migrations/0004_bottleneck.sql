-- What limited a run; runs of before have none.
ALTER TABLE run ADD COLUMN bottleneck TEXT CHECK(json_valid(bottleneck));
