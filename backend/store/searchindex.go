package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

//go:embed search.sql
var searchSchema string

const (
	// docsAtOnce keeps a transaction of the index to some 20 ms, so that it does not hold up a recorder.
	docsAtOnce  = 200
	pagesAtOnce = 200
	// docBits is the part of a number in the index that is the request's number within its run.
	docBits = 24
)

// openSearch makes the index of texts unless it is there already. It begins empty: IndexTexts fills it.
// A build of SQLite without FTS5 could not change an indexed text, so there the triggers go.
func openSearch(ctx context.Context, db *sql.DB, fts5 bool) (ok bool, err error) {
	if !fts5 {
		return false, dropSearch(ctx, db, "trigger")
	}
	sum := sha256.Sum256([]byte(searchSchema))
	want := hex.EncodeToString(sum[:])
	var triggers int
	var have sql.NullString
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'search_*'),
		(SELECT max(sha256) FROM search_made)`).Scan(&triggers, &have)
	if err != nil {
		return false, wrap("look at the index of texts", err)
	}
	if have.String == want && triggers == strings.Count(searchSchema, "CREATE TRIGGER") {
		return true, nil
	}
	for _, kind := range []string{"trigger", "table", "view"} {
		if err := dropSearch(ctx, db, kind); err != nil {
			return false, err
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, wrap("make the index of texts", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err = tx.ExecContext(ctx, "DELETE FROM search_doc; DELETE FROM search_run;"+searchSchema); err == nil {
		_, err = tx.ExecContext(ctx, "INSERT INTO search_made(sha256) VALUES(?)", want)
	}
	if err == nil {
		err = tx.Commit()
	}
	return err == nil, wrap("make the index of texts", err)
}

// hasFTS5 reports whether SQLite was built with full-text search.
func hasFTS5(ctx context.Context, db *sql.DB) (ok bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'").Scan(&ok)
	return ok, wrap("look for full-text search", err)
}

// dropSearch drops what search.sql has made of a kind, and before that the word that it is whole.
func dropSearch(ctx context.Context, db *sql.DB, kind string) error {
	if _, err := db.ExecContext(ctx, "DELETE FROM search_made"); err != nil {
		return wrap("drop the index of texts", err)
	}
	for statement := range strings.SplitSeq(searchSchema, "CREATE ") {
		words := strings.Fields(strings.TrimPrefix(statement, "VIRTUAL "))
		if len(words) < 2 || !strings.EqualFold(words[0], kind) {
			continue
		}
		if _, err := db.ExecContext(ctx, "DROP "+kind+" IF EXISTS "+words[1]); err != nil {
			return wrap("drop the index of texts", err)
		}
	}
	return nil
}

// IndexTexts puts a bounded number of texts of ended runs into the index, newest runs first, and
// reports whether any are left. Without full-text search there is nothing to do.
func (s *Store) IndexTexts(ctx context.Context) (more bool, err error) {
	if !s.search {
		return false, nil
	}
	err = s.grow(ctx, "index texts", func(ctx context.Context, tx *sql.Tx) error {
		var run int64
		err := tx.QueryRowContext(ctx, "SELECT id FROM run WHERE "+unindexed+" ORDER BY id DESC LIMIT 1").Scan(&run)
		if errors.Is(err, sql.ErrNoRows) {
			more, err = mergeIndex(ctx, tx)
			return err
		}
		if more = err == nil; !more {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO search_doc(id, request)
			SELECT (run_id << 24) + n, id FROM request JOIN request_detail USING (id)
			WHERE run_id = ?1 AND n BETWEEN 0 AND (1 << 24) - 1 AND (prompt IS NOT NULL OR output IS NOT NULL)
				AND n > ifnull((SELECT max(id) FROM search_doc WHERE id BETWEEN ?1 << 24 AND (?1 + 1 << 24) - 1) & (1 << 24) - 1, -1)
			ORDER BY n LIMIT ?2`, run, docsAtOnce)
		if err != nil {
			return err
		}
		added, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `INSERT INTO search_request(rowid, prompt, output) SELECT id, prompt, output FROM
			(SELECT id FROM search_doc WHERE id BETWEEN ?1 << 24 AND (?1 + 1 << 24) - 1 ORDER BY id DESC LIMIT ?2)
			JOIN search_text USING (id) ORDER BY id`, run, added); err != nil || added == docsAtOnce {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO search_run(run_id) VALUES(?)", run)
		return err
	})
	return more, err
}

// mergeIndex brings parts of the index together, which makes looking into it quicker; false when there is
// nothing left to merge.
func mergeIndex(ctx context.Context, tx *sql.Tx) (more bool, err error) {
	var before, after int
	if err := tx.QueryRowContext(ctx, "SELECT total_changes()").Scan(&before); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO search_request(search_request, rank) VALUES('merge', ?)", pagesAtOnce); err != nil {
		return false, err
	}
	err = tx.QueryRowContext(ctx, "SELECT total_changes()").Scan(&after)
	return after-before >= 2, err // the command itself counts as one
}

// unindexed are the ended runs whose texts are not all in the index.
const unindexed = ended + ` AND NOT EXISTS(SELECT 1 FROM search_run WHERE run_id = run.id)`

func ignoreNoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// needSearch says why there is no search, if there is none.
func (s *Store) needSearch() error {
	if s.search {
		return nil
	}
	return &domain.Error{Kind: domain.KindUnavailable, Msg: "This build cannot search texts.",
		Hint: "Use a build with the tag sqlite_fts5."}
}
