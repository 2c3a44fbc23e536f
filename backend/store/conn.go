package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sqlite3"

	"github.com/inferometer/inferometer/backend/domain"
)

// pragma is one setting of a connection with the value that must be read back after setting it;
// an empty set only reads, an empty want accepts anything.
type pragma struct {
	name, set, want string
}

// The driver ignores unknown keys of its connection string silently and sets some pragmas by
// itself, so all of them are set and read back by hand.
func writerPragmas() []pragma {
	return []pragma{
		{"busy_timeout", "5000", "5000"},
		{"auto_vacuum", "INCREMENTAL", ""}, // of the file: takes effect in a new one only, before WAL
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "ON", "1"},
		{"cache_size", "-16000", "-16000"},
		{"journal_size_limit", "67108864", "67108864"},
	}
}

func readerPragmas() []pragma {
	return []pragma{
		{"busy_timeout", "5000", "5000"},
		{"query_only", "ON", "1"},
		{"cache_size", "-8000", "-8000"},
		{"journal_mode", "", "wal"},
	}
}

// connector opens connections whose pragmas are proven.
type connector struct {
	dsn string
	drv *sqlite3.SQLiteDriver
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.drv.Open(c.dsn) }

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.drv }

func open(path, params string, conns int, pragmas []pragma) *sql.DB {
	hook := func(conn *sqlite3.SQLiteConn) error {
		for _, p := range pragmas {
			if err := p.apply(conn); err != nil {
				return err
			}
		}
		return nil
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: uriPath(path), RawQuery: params}).String()
	db := sql.OpenDB(connector{dsn, &sqlite3.SQLiteDriver{ConnectHook: hook}})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

func openWriter(path string) *sql.DB {
	return open(path, "mode=rw&_txlock=immediate", 1, writerPragmas())
}

func openReaders(path string) *sql.DB { return open(path, "mode=ro", readers, readerPragmas()) }

// uriPath is path as SQLite's file: URIs want it; a drive letter needs a slash before it.
func uriPath(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

func (p pragma) apply(conn *sqlite3.SQLiteConn) error {
	if p.set != "" {
		if _, err := conn.Exec("PRAGMA "+p.name+" = "+p.set, nil); err != nil {
			return fmt.Errorf("set %s: %w", p.name, err)
		}
	}
	rows, err := conn.Query("PRAGMA "+p.name, nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	defer rows.Close()
	got := make([]driver.Value, 1)
	if err := rows.Next(got); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if s := fmt.Sprint(got[0]); s != p.want && p.want != "" {
		return fmt.Errorf("set %s: it is %s, not %s", p.name, s, p.want)
	}
	return nil
}

const (
	notWritable     = "The database cannot be written."
	notWritableHint = "Make the data folder yours and writable, or choose another one."
)

// wrap says what was being done and gives the failures a person can act on their own words.
func wrap(op string, err error) error {
	var ours *domain.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	err = fmt.Errorf("%s: %w", op, err)
	var se sqlite3.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code {
	case sqlite3.ErrFull:
		return refuse("The disk is full.", "Delete runs, models or backups, or free space elsewhere; what was stored before is safe.", err)
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return refuse(notWritable, notWritableHint, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return refuse("The database is in use by another program.", "Close the other program and try again.", err)
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return damaged(err)
	}
	return err
}

func damaged(err error) error { return unusable("The database is damaged.", err) }
