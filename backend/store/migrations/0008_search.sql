-- What is in the index of texts: the number of a request there is its run << 24 | n, so that the runs of
-- a word are found in the index alone. The index itself is made at opening, see search.sql.
CREATE TABLE search_doc(
  id      INTEGER PRIMARY KEY,
  request INTEGER NOT NULL UNIQUE
) STRICT;
-- The runs whose requests are all in it.
CREATE TABLE search_run(
  run_id INTEGER PRIMARY KEY REFERENCES run(id) ON DELETE CASCADE
) STRICT;
-- The checksum of the search.sql that the index was made by; empty when there is none.
CREATE TABLE search_made(
  sha256 TEXT NOT NULL
) STRICT;
