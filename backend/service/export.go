package service

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/transfer"
)

const (
	mostExportIDs  = 1000
	mostReportRuns = 50
	reportPoints   = 400 // of a chart
)

// ExportQuery says what is exported and how. Without IDs it is everything but the trash.
type ExportQuery struct {
	Format string // one of ExportFormats
	IDs    []domain.RunID
}

// Exported is an export that is ready to be written. Write streams it: nothing larger than a page of
// records is in memory.
type Exported struct {
	Name  string // of the file
	Type  string // media type
	Write func(ctx context.Context, w io.Writer) error
}

// exportFormats are the layouts, with the media type and the ending of the file's name.
func exportFormats() map[string][2]string {
	return map[string][2]string{
		"jsonl":  {"application/x-ndjson", ".jsonl"},
		"csv":    {"text/csv; charset=utf-8", ".csv"},
		"sqlite": {"application/vnd.sqlite3", ".db"},
		"bundle": {"application/zip", ".zip"},
		"html":   {"text/html; charset=utf-8", ".html"},
	}
}

// Export prepares runs for another program or another Inferometer: jsonl and bundle hold everything and
// can be imported, csv has one line a request, sqlite is a database, html is a report to read. A run that
// has not ended is KindConflict.
func (s *Service) Export(ctx context.Context, q ExportQuery) (Exported, error) {
	kind, known := exportFormats()[q.Format]
	switch {
	case !known:
		return Exported{}, domain.Invalid("query.format", "must be jsonl, csv, sqlite, bundle or html")
	case len(q.IDs) > mostExportIDs:
		return Exported{}, domain.Invalid("query.ids", fmt.Sprintf("must be at most %d", mostExportIDs))
	case q.Format == "html" && (len(q.IDs) == 0 || len(q.IDs) > mostReportRuns):
		return Exported{}, domain.Invalid("query.ids", fmt.Sprintf("must be 1 to %d for a report", mostReportRuns))
	}
	if err := s.quietDisk(); err != nil {
		return Exported{}, err
	}
	name := "inferometer-" + s.d.Now().UTC().Format("20060102-150405")
	slices.Sort(q.IDs)
	q.IDs = slices.Compact(q.IDs)
	for _, id := range q.IDs {
		run, err := s.Benchmark(ctx, id)
		if err != nil {
			return Exported{}, err
		}
		if !run.Status.Ended() {
			return Exported{}, &domain.Error{Kind: domain.KindConflict, Msg: "A benchmark that has not ended cannot be exported.", Hint: "Wait for it to end, or cancel it."}
		}
		if len(q.IDs) == 1 {
			name = "inferometer-" + slug(run.Name) + "-" + string(id)[:min(8, len(id))]
		}
	}
	out := Exported{Name: name + kind[1], Type: kind[0]}
	switch q.Format {
	case "jsonl":
		out.Write = func(ctx context.Context, w io.Writer) error { return s.writeLines(ctx, w, s.chosen(ctx, q.IDs)) }
	case "csv":
		out.Write = func(ctx context.Context, w io.Writer) error { return s.writeTable(ctx, w, q.IDs) }
	case "sqlite":
		out.Write = func(ctx context.Context, w io.Writer) error { return s.writeDatabase(ctx, w, q.IDs) }
	case "bundle":
		out.Write = func(ctx context.Context, w io.Writer) error { return s.writeBundle(ctx, w, s.chosen(ctx, q.IDs)) }
	case "html":
		out.Write = func(ctx context.Context, w io.Writer) error { return s.writeReport(ctx, w, s.chosen(ctx, q.IDs)) }
	}
	return out, nil
}

// chosen yields the runs to export: those of the ids, else every one that has ended and is in no trash.
func (s *Service) chosen(ctx context.Context, ids []domain.RunID) iter.Seq2[domain.Run, error] {
	if len(ids) > 0 {
		return func(yield func(domain.Run, error) bool) {
			for _, id := range ids {
				if run, err := s.Benchmark(ctx, id); !yield(run, err) || err != nil {
					return
				}
			}
		}
	}
	return func(yield func(domain.Run, error) bool) {
		f := domain.RunFilter{Limit: 100}
		for {
			page, err := s.d.Store.Runs(ctx, f)
			if err != nil {
				yield(domain.Run{}, err)
				return
			}
			for _, run := range page.Items {
				if run.Status.Ended() && !yield(run, nil) {
					return
				}
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				return
			}
		}
	}
}

func (s *Service) header() transfer.Header {
	return transfer.Header{App: s.d.App().Version, ExportedAt: s.d.Now().UTC()}
}

func (s *Service) writeLines(ctx context.Context, w io.Writer, runs iter.Seq2[domain.Run, error]) error {
	out, err := transfer.NewWriter(w, s.header())
	if err != nil {
		return err
	}
	for run, err := range runs {
		if err != nil {
			return err
		}
		if err := s.writeRun(ctx, out, run); err != nil {
			return err
		}
	}
	return nil
}

// writeRun writes a run with all its raw records.
func (s *Service) writeRun(ctx context.Context, out *transfer.Writer, run domain.Run) error {
	if err := out.Run(run); err != nil {
		return err
	}
	phases, err := s.d.Store.Phases(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, p := range phases {
		if err := out.Phase(p); err != nil {
			return err
		}
	}
	for q, err := range s.d.Store.Records(ctx, run.ID) {
		if err != nil {
			return err
		}
		if err := out.Request(q); err != nil {
			return err
		}
	}
	for x, err := range s.d.Store.Samples(ctx, run.ID) {
		if err != nil {
			return err
		}
		if err := out.Sample(x); err != nil {
			return err
		}
	}
	return out.End()
}

func (s *Service) writeBundle(ctx context.Context, w io.Writer, runs iter.Seq2[domain.Run, error]) error {
	key, err := s.d.SigningKey()
	if err != nil {
		return fmt.Errorf("read the key that signs bundles: %w", err)
	}
	b := transfer.NewBundle(w, s.d.App().Version, s.d.Now(), key)
	for run, err := range runs {
		if err != nil {
			return err
		}
		err := b.Run(run.ID, func(w io.Writer) error {
			out, err := transfer.NewWriter(w, s.header())
			if err != nil {
				return err
			}
			return s.writeRun(ctx, out, run)
		})
		if err != nil {
			return err
		}
	}
	return b.Close()
}

// writeTable writes one line a request of the runs; without ids the single results too.
func (s *Service) writeTable(ctx context.Context, w io.Writer, ids []domain.RunID) error {
	t, err := transfer.NewTable(w)
	if err != nil {
		return err
	}
	for run, err := range s.chosen(ctx, ids) {
		if err != nil {
			return err
		}
		for q, err := range s.d.Store.Records(ctx, run.ID) {
			if err != nil {
				return err
			}
			if err := t.Request(&run, &q); err != nil {
				return err
			}
		}
	}
	if len(ids) == 0 {
		for r, err := range s.d.Store.SingleResults(ctx) {
			if err != nil {
				return err
			}
			if err := t.Result(&r); err != nil {
				return err
			}
		}
	}
	return t.Close()
}

// writeDatabase makes the database beside ours and sends it: SQLite writes no stream.
func (s *Service) writeDatabase(ctx context.Context, w io.Writer, ids []domain.RunID) error {
	dir, err := os.MkdirTemp(s.spoolDir(), "export-")
	if err != nil {
		return fmt.Errorf("lay the database down: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "export.db")
	if err := s.d.Store.CopyTo(ctx, path, ids); err != nil {
		return err
	}
	f, err := os.Open(path) // #nosec G304 -- in a folder that was made just now
	if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// writeReport writes a page that can be read without the program and without a network.
func (s *Service) writeReport(ctx context.Context, w io.Writer, runs iter.Seq2[domain.Run, error]) error {
	page := transfer.Page{App: s.d.App().Version, At: s.d.Now().UTC()}
	for run, err := range runs {
		if err != nil {
			return err
		}
		r := transfer.PageRun{Run: run}
		if r.Samples, err = s.BenchmarkMetrics(ctx, run.ID, MetricsQuery{Points: reportPoints}); err != nil {
			return err
		}
		report, err := s.BenchmarkReport(ctx, run.ID, "")
		if err != nil {
			return err
		}
		r.Run.Bottleneck, r.Lenses = report.Run.Bottleneck, report.Lenses
		for q, err := range s.d.Store.Records(ctx, run.ID) {
			if err != nil {
				return err
			}
			if q.Phase == domain.PhaseMeasure && q.Outcome == domain.OutcomeOK {
				r.TTFTMs = appendMs(r.TTFTMs, q.TTFTUs)
				r.E2EMs = appendMs(r.E2EMs, q.LastUs)
			}
		}
		page.Runs = append(page.Runs, r)
	}
	return page.Write(w)
}

func appendMs(list []float64, us *int64) []float64 {
	if us == nil {
		return list
	}
	return append(list, float64(*us)/1e3)
}
