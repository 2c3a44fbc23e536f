-- Experiments that are planned as they go: what was asked for, and when and why nothing more was planned.
ALTER TABLE experiment ADD COLUMN design TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(design));
ALTER TABLE experiment ADD COLUMN ended TEXT CHECK(json_valid(ended));
