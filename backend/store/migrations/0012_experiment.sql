-- Experiments: sets of runs that are measured in turns. What they have come to follows from their runs.
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
) STRICT;

-- Which run of an experiment a run is; null for one that stands alone.
ALTER TABLE run ADD COLUMN experiment TEXT CHECK(json_valid(experiment));
CREATE INDEX run_experiment ON run(experiment ->> '$.id', experiment ->> '$.block', id) WHERE experiment IS NOT NULL;
