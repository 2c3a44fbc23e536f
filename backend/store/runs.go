package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	defaultPage = 50
	largestPage = 1000
)

const runColumns = `job_id, name, status, model, engine, task, created_us, started_us, ended_us, deleted_us, pinned,
	sample, duration_s, tokens_generated, output, notes, tags, hardware, plan, progress, summary, validity, warnings,
	environment, error, client, bottleneck, imported, experiment`

// runFields are the fields of r in the order of runColumns.
func runFields(r *domain.Run) []any {
	return []any{
		&r.ID, &r.Name, &r.Status, &r.Model, &r.Engine, &r.Task, usCol{&r.CreatedAt}, optUsCol{&r.StartedAt},
		optUsCol{&r.EndedAt}, optUsCol{&r.DeletedAt}, &r.Pinned, &r.Sample, &r.DurationS, &r.TokensGenerated,
		&r.Output, &r.Notes, asJSON(&r.Tags), asJSON(&r.HardwareMetrics), asJSON(&r.Plan), asJSON(&r.Progress),
		asJSON(&r.Summary), asJSON(&r.Validity), asJSON(&r.Warnings), asJSON(&r.Environment), asJSON(&r.Error),
		asJSON(&r.Client), asJSON(&r.Bottleneck), asJSON(&r.Imported), asJSON(&r.Experiment),
	}
}

// marks returns "?, ?, …" for a list of columns.
func marks(columns string) string {
	return strings.Repeat("?, ", strings.Count(columns, ",")) + "?"
}

// CreateRun stores a new run; an id that exists is KindConflict.
func (s *Store) CreateRun(ctx context.Context, r domain.Run) error {
	return s.grow(ctx, "create run", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "INSERT INTO run("+runColumns+") VALUES("+marks(runColumns)+") ON CONFLICT DO NOTHING", runFields(&r)...)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindConflict, "There is a benchmark with this id already.")
	})
}

// UpdateRun writes every column of an existing run but its records.
func (s *Store) UpdateRun(ctx context.Context, r domain.Run) error {
	return s.inTx(ctx, "update run", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE run SET ("+runColumns+") = ("+marks(runColumns)+") WHERE job_id = ?",
			append(runFields(&r), r.ID)...)
		if err != nil {
			return err
		}
		return expectRow(res, domain.KindNotFound, "There is no such benchmark.")
	})
}

// expectRow turns "no row was changed" into an error for the caller.
func expectRow(res sql.Result, kind domain.Kind, msg string) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return &domain.Error{Kind: kind, Msg: msg}
	}
	return err
}

// Run returns one run, a trashed one too.
func (s *Store) Run(ctx context.Context, id domain.RunID) (domain.Run, error) {
	var r domain.Run
	err := s.r.QueryRowContext(ctx, "SELECT "+runColumns+" FROM run WHERE job_id = ?", id).Scan(runFields(&r)...)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.Run{}, noRun()
	}
	return r, wrap("read run", err)
}

// ImportedFrom lists the runs that came from a file of this checksum, those in the trash included.
func (s *Store) ImportedFrom(ctx context.Context, sha256 string) ([]domain.RunID, error) {
	rows, err := s.r.QueryContext(ctx, "SELECT job_id FROM run WHERE imported IS NOT NULL AND imported ->> '$.sha256' = ? ORDER BY id", sha256)
	if err != nil {
		return nil, wrap("find imported runs", err)
	}
	defer rows.Close()
	ids := []domain.RunID{}
	for rows.Next() {
		var id domain.RunID
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("find imported runs", err)
		}
		ids = append(ids, id)
	}
	return ids, wrap("find imported runs", rows.Err())
}

func noRun() error {
	return &domain.Error{Kind: domain.KindNotFound, Msg: "There is no such benchmark."}
}

// runKey returns the row id of a run.
func runKey(ctx context.Context, q querier, id domain.RunID) (int64, error) {
	var key int64
	err := q.QueryRowContext(ctx, "SELECT id FROM run WHERE job_id = ?", id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noRun()
	}
	return key, wrap("find run", err)
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// where collects conditions that must all hold, with their arguments.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

// equal narrows column to value unless value is empty.
func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" = ?", value)
	}
}

func (w *where) tag(tag string) {
	if tag != "" {
		w.add("EXISTS(SELECT 1 FROM json_each(run.tags) WHERE value = ?)", tag)
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// Runs lists runs, newest first. Query is looked for in name, model, notes, tags, prompts and outputs.
func (s *Store) Runs(ctx context.Context, f domain.RunFilter) (domain.Page[domain.Run], error) {
	page := domain.Page[domain.Run]{Items: []domain.Run{}}
	w, err := s.runsWhere(ctx, f)
	if err != nil {
		return page, err
	}
	if err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM run"+w.String(), w.args...).Scan(&page.Total); err != nil {
		return page, wrap("count runs", err)
	}
	if f.Cursor != "" {
		us, id, err := parseCursor(f.Cursor)
		if err != nil {
			return page, err
		}
		w.add("(created_us, id) < (?, ?)", us, id)
	}
	limit := pageSize(f.Limit)
	rows, err := s.r.QueryContext(ctx, "SELECT created_us, id, "+runColumns+" FROM run"+w.String()+
		" ORDER BY created_us DESC, id DESC LIMIT ?", append(w.args, limit+1)...)
	if err != nil {
		return page, wrap("list runs", err)
	}
	defer rows.Close()
	var us, id int64
	for rows.Next() {
		if len(page.Items) == limit {
			page.Next = cursor(us, id)
			break
		}
		var r domain.Run
		if err := rows.Scan(append([]any{&us, &id}, runFields(&r)...)...); err != nil {
			return page, wrap("list runs", err)
		}
		page.Items = append(page.Items, r)
	}
	return page, wrap("list runs", rows.Err())
}

func (s *Store) runsWhere(ctx context.Context, f domain.RunFilter) (*where, error) {
	w := &where{}
	if f.Query != "" {
		found, err := s.searchRuns(ctx, f.Query)
		if err != nil {
			return nil, err
		}
		w.add("run.id IN (SELECT value FROM json_each(?))", jsonCol[[]int64]{&found})
	}
	w.equal("status", f.Status)
	w.equal("model", f.Model)
	w.equal("engine", f.Engine)
	w.equal("task", f.Task)
	w.equal("dataset_id", f.Dataset)
	w.tag(f.Tag)
	if f.Start != nil {
		w.add("created_us >= ?", lowerUs(*f.Start))
	}
	if f.End != nil {
		w.add("created_us <= ?", upperUs(*f.End))
	}
	if f.Trash {
		w.add("deleted_us IS NOT NULL")
	} else {
		w.add("deleted_us IS NULL")
	}
	if !f.IncludeSample {
		w.add("sample = 0")
	}
	return w, nil
}

func pageSize(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, largestPage)
}

func cursor(us, id int64) string {
	return fmt.Sprintf("%d_%d", us, id)
}

func parseCursor(s string) (us, id int64, err error) {
	_, err = fmt.Sscanf(s, "%d_%d", &us, &id)
	if err != nil || cursor(us, id) != s {
		return 0, 0, domain.Invalid("query.cursor", "is not a cursor of this list")
	}
	return us, id, nil
}
