-- The index of texts. It holds words alone; the texts stay where they are (external content).
-- columnsize: nothing is ranked by length, so lengths are not kept.
CREATE VIEW search_text AS
SELECT search_doc.id, prompt, output FROM search_doc JOIN request_detail ON request_detail.id = search_doc.request;
CREATE VIRTUAL TABLE search_request USING fts5(prompt, output, content='search_text', content_rowid='id',
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3', columnsize=0);
INSERT INTO search_request(search_request, rank) VALUES('usermerge', 2);

-- The few words of the runs themselves are kept here a second time: tags are a list, which such an index
-- cannot read where it stands.
CREATE VIRTUAL TABLE search_name USING fts5(name, model, tags, notes,
  tokenize='unicode61 remove_diacritics 2', prefix='1 2 3', columnsize=0);
INSERT INTO search_name(rowid, name, model, tags, notes)
SELECT id, name, model, (SELECT group_concat(value, ', ') FROM json_each(run.tags)), notes FROM run;

-- External content has to be told the old text when it goes, and only what it was told before.
CREATE TRIGGER search_request_delete BEFORE DELETE ON request_detail
WHEN EXISTS(SELECT 1 FROM search_doc WHERE request = OLD.id) BEGIN
  INSERT INTO search_request(search_request, rowid, prompt, output)
  SELECT 'delete', id, OLD.prompt, OLD.output FROM search_doc WHERE request = OLD.id;
  DELETE FROM search_doc WHERE request = OLD.id;
END;
CREATE TRIGGER search_request_update BEFORE UPDATE OF prompt, output ON request_detail
WHEN EXISTS(SELECT 1 FROM search_doc WHERE request = OLD.id) BEGIN
  INSERT INTO search_request(search_request, rowid, prompt, output)
  SELECT 'delete', id, OLD.prompt, OLD.output FROM search_doc WHERE request = OLD.id;
  DELETE FROM search_doc WHERE request = OLD.id;
END;
CREATE TRIGGER search_name_insert AFTER INSERT ON run BEGIN
  INSERT INTO search_name(rowid, name, model, tags, notes)
  VALUES(NEW.id, NEW.name, NEW.model, (SELECT group_concat(value, ', ') FROM json_each(NEW.tags)), NEW.notes);
END;
CREATE TRIGGER search_name_delete BEFORE DELETE ON run BEGIN
  DELETE FROM search_name WHERE rowid = OLD.id;
END;
CREATE TRIGGER search_name_update AFTER UPDATE OF name, model, tags, notes ON run
WHEN (OLD.name, OLD.model, OLD.tags, OLD.notes) IS NOT (NEW.name, NEW.model, NEW.tags, NEW.notes) BEGIN
  UPDATE search_name SET name = NEW.name, model = NEW.model, notes = NEW.notes,
    tags = (SELECT group_concat(value, ', ') FROM json_each(NEW.tags)) WHERE rowid = NEW.id;
END;
