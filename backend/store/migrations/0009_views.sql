-- Views of the results that a person keeps: filters, order and columns.
CREATE TABLE saved_view(
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
  filters    TEXT NOT NULL CHECK(json_valid(filters)),
  sort       TEXT NOT NULL CHECK(json_valid(sort)),
  columns    TEXT CHECK(json_valid(columns)),
  created_us INTEGER NOT NULL
) STRICT;
