package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// applicationID marks our files ("INFM"); 0001_init.sql sets it.
const applicationID = 0x494E464D

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered step; a released one never changes.
type migration struct {
	version int
	name    string
	sql     string
}

// migrations reads NNNN_name.sql files; their numbers must be 1, 2, 3 and so on.
func migrations(fsys fs.FS) ([]migration, error) {
	names, err := fs.Glob(fsys, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var out []migration
	for i, name := range names {
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		if v, err := strconv.Atoi(number); err != nil || v != i+1 {
			return nil, fmt.Errorf("list migrations: %s is not number %d", name, i+1)
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		out = append(out, migration{i + 1, name, string(text)})
	}
	return out, nil
}

// probe looks at an existing file without changing it, and refuses what is not ours or newer than
// schema latest.
func probe(ctx context.Context, path string, latest int) error {
	db := open(path, "mode=ro", 1, nil)
	defer db.Close()
	var id, version, objects int
	err := db.QueryRowContext(ctx, `SELECT (SELECT * FROM pragma_application_id), (SELECT * FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_master)`).Scan(&id, &version, &objects)
	if err != nil {
		return wrap("look at database", err)
	}
	// A crash at the very first start leaves a file without any content: that is still ours.
	if id != applicationID && (id != 0 || version != 0 || objects != 0) {
		return refuse("The database "+path+" belongs to another program.", "Move it away, or choose another data folder.", nil)
	}
	if version > latest {
		return refuse(fmt.Sprintf("The database was written by a newer version (its schema is %d, this program knows up to %d).", version, latest),
			"Update Inferometer, or choose another data folder.", nil)
	}
	return nil
}

// migrate applies what is missing, each step in one transaction, after a backup of existing data.
func migrate(ctx context.Context, db *sql.DB, steps []migration, path string) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return wrap("read schema version", err)
	}
	switch {
	case have >= len(steps):
		return nil
	case have > 0:
		if err := backup(ctx, db, path, have); err != nil {
			return err
		}
	}
	for _, m := range steps[have:] {
		if err := m.apply(ctx, db); err != nil {
			return wrap("migrate database by "+m.name, err)
		}
	}
	return nil
}

func (m migration) apply(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", m.version)); err != nil {
		return err
	}
	return tx.Commit()
}

func backupPattern(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return filepath.Join(filepath.Dir(path), "backups", name+"-v*.db")
}

// backup writes a whole copy beside the database, in backups/NAME-vN-TIME.db.
func backup(ctx context.Context, db *sql.DB, path string, version int) error {
	return copyInto(ctx, db, backupPath(path, version, byMigration, time.Now()))
}
