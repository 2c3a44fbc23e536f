package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// textBytes is what the texts of some rows of request_detail take.
const textBytes = "ifnull(sum(ifnull(octet_length(prompt), 0) + ifnull(octet_length(output), 0)), 0)"

// weighed is a table and the expressions of what one of its rows takes and of how many things all stand for.
type weighed struct{ name, bytes, count string }

// telemetryTables are the tables with the hardware readings of a run.
func (s *Store) telemetryTables(ctx context.Context) ([]weighed, error) {
	tables, err := s.weighed(ctx, "sample", "telemetry")
	if err == nil {
		tables[1].count = "ifnull(sum(n), 0)"
	}
	return tables, err
}

// weighed sums the lengths of all columns; the length of a long value is known without reading it.
func (s *Store) weighed(ctx context.Context, tables ...string) ([]weighed, error) {
	var out []weighed
	for _, table := range tables {
		columns, err := list(ctx, s.r, "read columns", func(c *string) []any { return []any{c} },
			"SELECT name FROM pragma_table_info(?)", table)
		if err != nil {
			return nil, err
		}
		var sum []string
		for _, c := range columns {
			sum = append(sum, "ifnull(octet_length("+c+"), 0)")
		}
		out = append(out, weighed{table, strings.Join(sum, " + "), "count(*)"})
	}
	return out, nil
}

// Usage says what takes space in the database and in the folders beside it.
func (s *Store) Usage(ctx context.Context) (domain.Storage, error) {
	dir := filepath.Dir(s.path)
	out := domain.Storage{DataDir: dir, DatabaseBytes: s.SizeBytes(), DiskFreeBytes: FreeBytes(dir), PendingRestore: s.pendingRestore(),
		Database: s.State()}
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // so that the parts are of one state
	if err != nil {
		return out, wrap("measure database", err)
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	var free, pages, pageSize int64
	if err := tx.QueryRowContext(ctx, `SELECT (SELECT * FROM pragma_freelist_count), (SELECT * FROM pragma_page_count),
		(SELECT * FROM pragma_page_size)`).Scan(&free, &pages, &pageSize); err != nil {
		return out, wrap("measure database", err)
	}
	rest := out.DatabaseBytes - free*pageSize
	readings, err := s.telemetryTables(ctx)
	if err != nil {
		return out, err
	}
	search := "SELECT count(*), 0 FROM search_doc"
	if s.search {
		search = `SELECT (SELECT count(*) FROM search_doc), (SELECT sum(octet_length(block)) FROM search_request_data) +
			(SELECT sum(octet_length(block)) FROM search_name_data)`
	}
	telemetry := []string{}
	for _, t := range readings {
		telemetry = append(telemetry, "SELECT "+t.count+" AS rows, ifnull(sum("+t.bytes+"), 0) AS bytes FROM "+t.name)
	}
	for _, part := range []struct{ kind, query string }{
		{"texts", "SELECT count(*), " + textBytes + " FROM request_detail"},
		{"token_times", "SELECT count(chunks), ifnull(sum(octet_length(chunks)), 0) FROM request_detail"},
		{"telemetry", "SELECT sum(rows), sum(bytes) FROM (" + strings.Join(telemetry, " UNION ALL ") + ")"},
		{"search", search},
	} {
		var rows, bytes int64
		if err := tx.QueryRowContext(ctx, part.query).Scan(&rows, &bytes); err != nil {
			return out, wrap("measure "+part.kind, err)
		}
		out.Parts = append(out.Parts, domain.StoragePart{Kind: part.kind, Bytes: bytes, Rows: &rows, InDatabase: true})
		rest -= bytes
	}
	var requests int64
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM request").Scan(&requests); err != nil {
		return out, wrap("count requests", err)
	}
	out.Parts = append(out.Parts, domain.StoragePart{Kind: "results", Bytes: max(rest, 0), Rows: &requests, InDatabase: true},
		domain.StoragePart{Kind: "free", Bytes: free * pageSize, InDatabase: true})
	out.TotalBytes = out.DatabaseBytes
	for _, folder := range []string{"models", "engines", "logs", "backups"} {
		bytes, files, err := folderSize(ctx, filepath.Join(dir, folder))
		if err != nil {
			return out, fmt.Errorf("measure %s: %w", folder, err)
		}
		out.Parts = append(out.Parts, domain.StoragePart{Kind: folder, Bytes: bytes, Rows: &files})
		out.TotalBytes += bytes
	}
	return out, nil
}

// folderSize adds up the files below a folder; one that is not there is empty. Links are not followed.
func folderSize(ctx context.Context, dir string) (bytes, files int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		fi, err := d.Info()
		if err == nil {
			bytes += fi.Size()
			files++
		}
		return ignoreMissing(err) // it may be deleted meanwhile
	})
	return bytes, files, err
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// Compact gives the free pages of the database and what the index of texts can spare back to the disk.
// Others can read and write between its steps. tell, which may be nil, hears how many bytes of how many are given
// back so far.
func (s *Store) Compact(ctx context.Context, tell func(done, total int64)) (domain.Compacted, error) {
	out := domain.Compacted{BeforeBytes: s.SizeBytes()}
	for more := s.search; more; {
		err := s.inTx(ctx, "merge the index of texts", func(ctx context.Context, tx *sql.Tx) (err error) {
			more, err = mergeIndex(ctx, tx)
			return err
		})
		if err != nil {
			return out, err
		}
	}
	if err := s.giveBackSpace(ctx, tell); err != nil {
		return out, err
	}
	if _, err := s.w.ExecContext(ctx, foldJournal+"; PRAGMA optimize"); err != nil {
		return out, wrap("fold journal", err)
	}
	out.AfterBytes = s.SizeBytes()
	return out, nil
}
