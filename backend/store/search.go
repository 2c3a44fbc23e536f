package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	defaultHits = 20
	mostHits    = 500
	// requestsOfHit is how many requests of one run a hit shows.
	requestsOfHit = 3
)

// Search finds the runs in which every word of the query occurs: all of them in one request, all in the
// run's own words, or some in these and the rest in one request. Runs come newest first, and the work
// depends on how many are asked for, not on how many there are.
func (s *Store) Search(ctx context.Context, f domain.SearchFilter) (domain.Search, error) {
	out := domain.Search{Hits: []domain.SearchHit{}}
	if err := s.needSearch(); err != nil {
		return out, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultHits
	}
	limit = min(limit, mostHits)
	l, err := s.look(ctx, terms(f.Query))
	if err != nil {
		return out, wrap("search", err)
	}
	defer l.close()
	for run, err := range l.runs(ctx) {
		if err != nil {
			return out, wrap("search", err)
		}
		if len(out.Hits) == limit {
			out.More = true
			break
		}
		hit, ok, err := l.hit(ctx, run)
		if err != nil {
			return out, wrap("search", err)
		}
		if ok {
			out.Hits = append(out.Hits, hit)
		}
	}
	err = l.tx.QueryRowContext(ctx, "SELECT count(*) FROM run WHERE "+unindexed).Scan(&out.Indexing)
	return out, wrap("search", err)
}

// searchRuns returns the row ids of all runs that a query finds, those in the trash too.
func (s *Store) searchRuns(ctx context.Context, query string) ([]int64, error) {
	if err := s.needSearch(); err != nil {
		return nil, err
	}
	l, err := s.look(ctx, terms(query))
	if err != nil {
		return nil, wrap("search", err)
	}
	defer l.close()
	runs, err := l.every(ctx)
	return runs, wrap("search", err)
}

// looking is one search, within one state of the database.
type looking struct {
	tx    *sql.Tx
	terms []string
	named map[int64]uint // which terms occur in the words of a run itself, one bit each
	below *sql.Stmt      // the last request below a number in which an expression holds
	rests map[uint]rest  // by the terms that it leaves out
}

// rest remembers what was found of an expression: it holds in run, and in none from there to below before.
type rest struct{ before, run int64 }

func (s *Store) look(ctx context.Context, terms []string) (*looking, error) {
	tx, err := s.r.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	l := &looking{tx: tx, terms: terms, named: map[int64]uint{}, rests: map[uint]rest{}}
	l.below, err = tx.PrepareContext(ctx, `SELECT rowid FROM search_request WHERE search_request MATCH ?
		AND rowid < ? AND rowid >= ? ORDER BY rowid DESC LIMIT 1`)
	for i, t := range terms {
		if err == nil {
			err = l.readNamed(ctx, t, 1<<i)
		}
	}
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return l, nil
}

func (l *looking) close() { _ = l.tx.Rollback() } // it only reads

func (l *looking) readNamed(ctx context.Context, term string, bit uint) error {
	rows, err := l.tx.QueryContext(ctx, "SELECT rowid FROM search_name WHERE search_name MATCH ?", term)
	if err != nil {
		return err
	}
	defer rows.Close()
	var run int64
	for rows.Next() {
		if err := rows.Scan(&run); err != nil {
			return err
		}
		l.named[run] |= bit
	}
	return rows.Err()
}

// all is the expression of the terms that are not in have.
func (l *looking) all(have uint) string {
	var rest []string
	for i, t := range l.terms {
		if have>>i&1 == 0 {
			rest = append(rest, t)
		}
	}
	return strings.Join(rest, " AND ")
}

// request returns the last request from low to below high in which the expression holds.
func (l *looking) request(ctx context.Context, expr string, low, high int64) (doc int64, ok bool, err error) {
	err = l.below.QueryRowContext(ctx, expr, high, low).Scan(&doc)
	return doc, err == nil, ignoreNoRows(err)
}

// runs yields every run that is found, from the newest on.
func (l *looking) runs(ctx context.Context) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		if len(l.terms) == 0 {
			return
		}
		w := walk{named: l.namedRuns(), high: math.MaxInt64, next: -1, more: true}
		for {
			run, ok, err := w.step(ctx, l)
			if !ok && err == nil || !yield(run, err) || err != nil {
				return
			}
		}
	}
}

// walk is where a search stands: two lists of runs, each from the newest on, that are brought together.
type walk struct {
	named []int64 // runs with a term in their own words, not seen yet
	next  int64   // the newest run with all terms in one request, not seen yet; -1: not known
	high  int64   // requests from here on were seen
	more  bool    // there may be further requests
}

func (w *walk) step(ctx context.Context, l *looking) (run int64, ok bool, err error) {
	for {
		if w.more && w.next < 0 {
			doc, found, err := l.request(ctx, l.all(0), 0, w.high)
			if err != nil {
				return 0, false, err
			}
			if w.more = found; found {
				w.next = doc >> docBits
				w.high = w.next << docBits
			}
		}
		if len(w.named) == 0 || w.named[0] < w.next {
			run, w.next = w.next, -1
			return run, run >= 0, nil
		}
		run, w.named = w.named[0], w.named[1:]
		if run == w.next {
			w.next = -1
			return run, true, nil
		}
		if found, err := l.restFound(ctx, run); found || err != nil {
			return run, found, err
		}
	}
}

// restFound reports whether the terms that a run's own words lack occur in one of its requests. Runs are
// asked for from the newest on, so that what is found of an older one answers for all between.
func (l *looking) restFound(ctx context.Context, run int64) (bool, error) {
	have := l.named[run]
	expr := l.all(have)
	if expr == "" {
		return true, nil
	}
	if r, known := l.rests[have]; known && run < r.before && run >= r.run {
		return run == r.run, nil
	}
	doc, ok, err := l.request(ctx, expr, 0, (run+1)<<docBits)
	r := rest{before: run + 1, run: -1}
	if ok {
		r.run = doc >> docBits
	}
	l.rests[have] = r
	return r.run == run, err
}

// every returns all runs that are found, in no order.
func (l *looking) every(ctx context.Context) ([]int64, error) {
	out := []int64{}
	if len(l.terms) == 0 {
		return out, nil
	}
	rows, err := l.tx.QueryContext(ctx, "SELECT DISTINCT rowid >> 24 FROM search_request WHERE search_request MATCH ?", l.all(0))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var run int64
	for rows.Next() {
		if err := rows.Scan(&run); err != nil {
			return nil, err
		}
		out = append(out, run)
	}
	for _, run := range l.namedRuns() {
		found, err := l.restFound(ctx, run)
		if err != nil {
			return nil, err
		}
		if found { // perhaps a second time, which does no harm
			out = append(out, run)
		}
	}
	return out, rows.Err()
}

// namedRuns are the runs with a term in their own words, from the newest on.
func (l *looking) namedRuns() []int64 {
	return slices.SortedFunc(maps.Keys(l.named), func(a, b int64) int { return cmp.Compare(b, a) })
}

// hit describes a run that was found; false for those in the trash and of the demonstration.
func (l *looking) hit(ctx context.Context, run int64) (h domain.SearchHit, ok bool, err error) {
	err = l.tx.QueryRowContext(ctx, `SELECT job_id, name, model, created_us FROM run
		WHERE id = ? AND deleted_us IS NULL AND sample = 0`, run).Scan(&h.JobID, &h.Name, &h.Model, usCol{&h.CreatedAt})
	if err != nil {
		return h, false, ignoreNoRows(err)
	}
	if have := l.named[run]; have != 0 {
		err = l.matches(ctx, &h, "search_name", []string{"name", "model", "tags", "notes"}, strings.Join(l.terms, " OR "), run, run)
	}
	expr := l.all(l.named[run])
	if expr == "" {
		expr = l.all(0)
	}
	if err == nil {
		err = l.matches(ctx, &h, "search_request", []string{"prompt", "output"}, expr, run<<docBits, (run+1)<<docBits-1)
	}
	return h, true, err
}

// matches adds the places of an index in which the expression holds.
func (l *looking) matches(ctx context.Context, h *domain.SearchHit, index string, fields []string, expr string, from, to int64) error {
	columns := ""
	for i := range fields {
		columns += fmt.Sprintf(", snippet(%s, %d, '%c', '%c', '…', 14)", index, i, foundFrom, foundTo)
	}
	rows, err := l.tx.QueryContext(ctx, "SELECT rowid"+columns+" FROM "+index+" WHERE "+index+
		" MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?", expr, from, to, requestsOfHit)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id int64
	texts := make([]sql.NullString, len(fields))
	into := []any{&id}
	for i := range texts {
		into = append(into, &texts[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, text := range texts {
			parts, found := snippet(text.String)
			if !found {
				continue
			}
			m := domain.SearchMatch{Field: fields[i], Snippet: parts}
			if from != to {
				m.Request = new(int(id & (1<<docBits - 1)))
			}
			h.Matches = append(h.Matches, m)
		}
	}
	return rows.Err()
}

// Characters that no text holds (Unicode calls them noncharacters).
const (
	foundFrom = '\uFDD0'
	foundTo   = '\uFDD1'
)

// snippet reads the marks that SQLite has set around the words it found.
func snippet(text string) (parts []domain.SnippetPart, found bool) {
	for text != "" {
		before, rest, marked := strings.Cut(text, string(foundFrom))
		if before != "" {
			parts = append(parts, domain.SnippetPart{Text: before})
		}
		if !marked {
			break
		}
		word, after, _ := strings.Cut(rest, string(foundTo))
		parts = append(parts, domain.SnippetPart{Text: word, Found: true})
		found, text = true, after
	}
	return parts, found
}
