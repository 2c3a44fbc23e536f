-- Alerts: what was seen when the series of a run was looked at after it had ended. They stay when their runs go.
CREATE TABLE alert(
  id              TEXT PRIMARY KEY,
  kind            TEXT NOT NULL CHECK(kind IN ('level','run','build')),
  series          TEXT NOT NULL,
  since           TEXT NOT NULL, -- the first run that differs
  created_us      INTEGER NOT NULL,
  acknowledged_us INTEGER,
  body            TEXT NOT NULL CHECK(json_valid(body)) -- all of it, with its figures
) STRICT;
CREATE INDEX alert_created ON alert(created_us);
CREATE INDEX alert_series ON alert(series);
