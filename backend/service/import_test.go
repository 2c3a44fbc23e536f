package service_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

// importPeer imports a sample file of another tool.
func (w *world) importPeer(name string) (domain.ImportResult, error) {
	w.t.Helper()
	f, err := os.Open(filepath.Join("..", "transfer", "testdata", name))
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	u := service.ImportUpload{File: name, Body: f}
	if name == "genai.json" || name == "aiperf.jsonl" {
		u.Model = "mock"
	}
	return w.svc.Import(w.t.Context(), u)
}

func (w *world) importText(text string) (domain.ImportResult, error) {
	w.t.Helper()
	return w.svc.Import(w.t.Context(), service.ImportUpload{File: "x", Body: strings.NewReader(text)})
}

func (w *world) total() int {
	w.t.Helper()
	page, err := w.svc.Benchmarks(w.t.Context(), domain.RunFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Total
}

// Every file of the other tools becomes an ordinary run, whose figures are those that the tool printed.
func TestImportOfOtherTools(t *testing.T) {
	for _, c := range []struct {
		file          string
		ttft, tpot    float64 // mean, in ms; 0: not told by ours
		requests      int
		timed, judged bool
	}{
		{"vllm_detailed.json", 107.2117, 20.010016, 64, true, true},
		{"vllm_summary.json", 23.09531, 1.9976666, 0, true, false},
		{"guidellm.json", 104.99752, 20.0226796, 64, true, true},
		{"guidellm.csv", 104.99752, 0, 0, true, false},
		{"aiperf.jsonl", 108.95236, 20.171861, 64, true, true},
		{"aiperf.json", 108.95236, 20.171861, 0, true, false},
		{"benchy.json", 107.37648, 0, 0, true, false},
		{"benchy.csv", 0, 0, 0, true, false},
		{"genai.json", 117.71488, 20.15791, 64, false, true},
	} {
		t.Run(c.file, func(t *testing.T) {
			in(t, options{}, func(t *testing.T, w *world) {
				r, err := w.importPeer(c.file)
				if err != nil {
					t.Fatal(err)
				}
				run := w.stored(r.Runs[0].ID)
				near(t, "TTFT", run.Summary.TTFTMs.Mean, c.ttft)
				near(t, "TPOT", run.Summary.TPOTMs.Mean, c.tpot)
				if run.Status != domain.StatusCompleted || run.DeletedAt != nil || run.Imported == nil || run.Imported.File != c.file || len(run.Imported.SHA256) != 64 {
					t.Errorf("%+v", run)
				}
				if (run.Summary.OutputTokensPerSecond != nil) != (c.timed && c.requests > 0) || (run.DurationS != nil) != (c.timed && c.requests > 0) {
					t.Errorf("throughput %v, duration %v", run.Summary.OutputTokensPerSecond, run.DurationS)
				}
				last := run.Validity.Checks[len(run.Validity.Checks)-1]
				if last.Code != "imported" || (len(run.Validity.Checks) > 1) != c.judged || run.Validity.Verdict != "caution" {
					t.Errorf("validity %+v", run.Validity)
				}
				for _, wn := range run.Warnings {
					if strings.HasPrefix(wn.Code, "telemetry") {
						t.Errorf("warned of telemetry that nobody took: %+v", wn)
					}
				}
				for _, st := range run.Summary.Stages {
					if (st.Course != nil) != (c.timed && c.requests > 0) {
						t.Errorf("what happened over time: %+v", st.Course)
					}
				}
				page, err := w.svc.BenchmarkRequests(t.Context(), run.ID, domain.RequestFilter{})
				if err != nil || page.Total != c.requests {
					t.Errorf("%d requests, %v", page.Total, err)
				}
				report, err := w.svc.BenchmarkReport(t.Context(), run.ID, "")
				if err != nil || (len(report.Lenses) > 0) != (c.requests > 0 && c.timed) {
					t.Errorf("%d lenses, %v", len(report.Lenses), err)
				}
				if run.Bottleneck != nil || !reflect.DeepEqual(run.HardwareMetrics, domain.HardwareMetrics{}) {
					t.Errorf("limits of a machine that nobody saw: %+v %+v", run.Bottleneck, run.HardwareMetrics)
				}
				_, err = w.importPeer(c.file)
				refused(t, err, domain.KindConflict, "")
			})
		})
	}
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	switch {
	case want == 0 && got != nil:
		t.Errorf("%s is %v, want none", what, *got)
	case want != 0 && (got == nil || *got < want*0.99999 || *got > want*1.00001):
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// An imported run counts in the averages, can be edited, deleted and exported, and not run again.
func TestImportedRunIsOrdinary(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		r, err := w.importPeer("vllm_detailed.json")
		if err != nil {
			t.Fatal(err)
		}
		id := r.Runs[0].ID
		avg, err := w.svc.AverageResults(t.Context(), domain.Window{}, domain.ResultFilter{})
		if err != nil || avg.Count != 64 {
			t.Errorf("averages over %d, %v", avg.Count, err)
		}
		i := slices.IndexFunc(r.Runs[0].Imported.Figures, func(f domain.LensRow) bool { return f.Key == "mean_ttft_ms" })
		if f := r.Runs[0].Imported.Figures[i]; f.Ours == nil || *f.Ours != *r.Runs[0].Summary.TTFTMs.Mean {
			t.Errorf("beside the tool's figure stands %v", f.Ours)
		}
		_, err = w.svc.RerunBenchmark(t.Context(), id)
		refused(t, err, domain.KindConflict, "")
		if err := w.svc.DeleteBenchmark(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		_, err = w.importPeer("vllm_detailed.json")
		if e := refusal(t, err, domain.KindConflict, ""); !strings.Contains(e.Hint, "trash") {
			t.Errorf("hint %q", e.Hint)
		}
		if err := w.svc.EraseBenchmark(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := w.importPeer("vllm_detailed.json"); err != nil || w.total() != 1 {
			t.Errorf("after it was deleted for good: %v, %d runs", err, w.total())
		}
	})
}

func TestImportRefuses(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		_, err := w.importText("nothing")
		refused(t, err, domain.KindInvalid, "body")
		_, err = w.svc.Import(t.Context(), service.ImportUpload{Format: "x", Body: strings.NewReader("{}")})
		refused(t, err, domain.KindInvalid, "query.format")
		_, err = w.svc.Import(t.Context(), service.ImportUpload{Model: strings.Repeat("m", 600), Body: strings.NewReader("{}")})
		refused(t, err, domain.KindInvalid, "query.model")
		_, err = w.svc.Import(t.Context(), service.ImportUpload{Body: io.MultiReader(strings.NewReader(`{"a":`), broken{})})
		refused(t, err, domain.KindMalformed, "")
		run := w.start(nil)
		w.measuring(run.ID)
		_, err = w.importPeer("vllm_detailed.json")
		refused(t, err, domain.KindConflict, "")
		w.wait(run.ID)
		if w.total() != 1 {
			t.Errorf("%d runs", w.total())
		}
	})
}

// broken is a body whose connection breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestImportOfResults(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		text := `{"benchmarking_results":[{"request_id":"a","timestamp":"2026-01-01","time_to_first_token":10},{"request_id":"b","timestamp":"2026-01-02","time_to_first_token":30}]}`
		for range 2 { // the second time replaces the same
			r, err := w.importText(text)
			if err != nil || r.Results != 2 || r.Format != "results" {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		avg, err := w.svc.AverageResults(t.Context(), domain.Window{}, domain.ResultFilter{})
		if err != nil || avg.Count != 2 || *avg.TimeToFirstToken != 20 {
			t.Errorf("%+v, %v", avg, err)
		}
	})
}

// export writes an export into memory.
func (w *world) export(format string, ids ...domain.RunID) []byte {
	w.t.Helper()
	x, err := w.svc.Export(w.t.Context(), service.ExportQuery{Format: format, IDs: ids})
	if err != nil {
		w.t.Fatal(err)
	}
	var b bytes.Buffer
	if err := x.Write(w.t.Context(), &b); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// everything is all that is stored of a run, in comparable form.
func (w *world) everything(id domain.RunID) (domain.Run, []domain.RequestRecord, []domain.Sample, []domain.PhaseChange) {
	w.t.Helper()
	run := w.stored(id)
	run.Imported = nil
	var qs []domain.RequestRecord
	for q, err := range w.store.Records(w.t.Context(), id) {
		if err != nil {
			w.t.Fatal(err)
		}
		qs = append(qs, q)
	}
	var xs []domain.Sample
	for x, err := range w.store.Samples(w.t.Context(), id) {
		if err != nil {
			w.t.Fatal(err)
		}
		xs = append(xs, x)
	}
	ps, err := w.store.Phases(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return run, qs, xs, ps
}

// What is exported with every raw record comes back to the last bit, in another installation or after
// it was deleted for good; a run that is here stays as it is.
func TestExportComesBack(t *testing.T) {
	for _, format := range []string{"jsonl", "bundle"} {
		t.Run(format, func(t *testing.T) {
			in(t, options{}, func(t *testing.T, w *world) {
				a := w.finished(func(r *domain.BenchmarkRequest) { r.Name = ptr("<b>first</b>"); r.Tags = []string{"x"} })
				b := w.finished(nil)
				run, qs, xs, ps := w.everything(a.ID)
				file := w.export(format)
				if err := w.svc.DeleteBenchmark(t.Context(), a.ID, false); err != nil {
					t.Fatal(err)
				}
				if err := w.svc.EraseBenchmark(t.Context(), a.ID); err != nil {
					t.Fatal(err)
				}
				r, err := w.svc.Import(t.Context(), service.ImportUpload{File: "x." + format, Body: bytes.NewReader(file)})
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Runs) != 1 || r.Runs[0].ID != a.ID || !reflect.DeepEqual(r.Known, []domain.RunID{b.ID}) || (format == "bundle") != (r.Signed != "") {
					t.Errorf("%+v", r)
				}
				again, qs2, xs2, ps2 := w.everything(a.ID)
				if !reflect.DeepEqual(run, again) || !reflect.DeepEqual(qs, qs2) || !reflect.DeepEqual(xs, xs2) || !reflect.DeepEqual(ps, ps2) {
					t.Errorf("what came back differs:\n%+v\n%+v", run, again)
				}
				if len(qs) == 0 || len(xs) == 0 || len(ps) == 0 {
					t.Error("there was nothing to compare")
				}
			})
		})
	}
}

// A file that breaks in the middle leaves no half run, and what was whole before stays.
func TestBrokenImportLeavesNoHalfRun(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		for range 2 {
			w.finished(nil)
		}
		lines := bytes.SplitAfter(w.export("jsonl"), []byte("\n"))
		page, err := w.svc.Benchmarks(t.Context(), domain.RunFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			if err := errors.Join(w.svc.DeleteBenchmark(t.Context(), r.ID, false), w.svc.EraseBenchmark(t.Context(), r.ID)); err != nil {
				t.Fatal(err)
			}
		}
		_, err = w.svc.Import(t.Context(), service.ImportUpload{Body: bytes.NewReader(bytes.Join(lines[:len(lines)-5], nil))})
		if e := refusal(t, err, domain.KindInvalid, "body"); !strings.Contains(e.Hint, "1 runs") {
			t.Errorf("hint %q", e.Hint)
		}
		trash, err := w.svc.Benchmarks(t.Context(), domain.RunFilter{Trash: true})
		if err != nil || w.total() != 1 || trash.Total != 0 {
			t.Errorf("%d runs, %d in the trash, %v", w.total(), trash.Total, err)
		}
	})
}

// What the end of the program cut off is seen in the trash for what it is, and its files are gone.
func TestImportThatWasCutOff(t *testing.T) {
	data := t.TempDir()
	in(t, options{deps: func(d *service.Deps) {
		d.App = func() domain.AppInfo { return domain.AppInfo{Version: "1.2.3", DataDir: data} }
	}}, func(t *testing.T, w *world) {
		w.finished(nil)
		file := w.export("jsonl")
		page, err := w.svc.Benchmarks(t.Context(), domain.RunFilter{})
		if err != nil {
			t.Fatal(err)
		}
		id := page.Items[0].ID
		if err := errors.Join(w.svc.DeleteBenchmark(t.Context(), id, false), w.svc.EraseBenchmark(t.Context(), id)); err != nil {
			t.Fatal(err)
		}
		left := filepath.Join(data, "tmp", "import-1.zip")
		seen := false
		body := io.MultiReader(bytes.NewReader(file[:len(file)-20]), reads(func() {
			run, err := w.store.Run(t.Context(), id)
			seen = err == nil && run.Status == domain.StatusInterrupted && run.DeletedAt != nil && strings.Contains(strings.Join(run.Imported.Notes, ""), "not whole")
			if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o700), os.WriteFile(left, nil, 0o600)); err != nil {
				t.Error(err)
			}
		}), bytes.NewReader(file[len(file)-20:]))
		r, err := w.svc.Import(t.Context(), service.ImportUpload{Body: body})
		if err != nil || !seen || r.Runs[0].Status != domain.StatusCompleted || len(r.Runs[0].Imported.Notes) != 0 {
			t.Errorf("half way seen for what it is: %v; %+v, %v", seen, r, err)
		}
		w.close()
		again := start(t, options{path: w.path, deps: func(d *service.Deps) {
			d.App = func() domain.AppInfo { return domain.AppInfo{DataDir: data} }
		}})
		if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) || again.stored(id).DeletedAt != nil {
			t.Errorf("%v", err)
		}
	})
}

// reads is a part of a body that holds nothing, and calls a function when it is come to.
type reads func()

func (f reads) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestExportForOthers(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run := w.finished(func(r *domain.BenchmarkRequest) {
			r.Name = ptr("<script>alert(1)</script>")
			r.Prompt = ptr("=HYPERLINK(1)")
		})
		if _, err := w.importText(`{"benchmarking_results":[{"request_id":"single","timestamp":"2026-01-01","time_to_first_token":10}]}`); err != nil {
			t.Fatal(err)
		}
		table := string(w.export("csv"))
		if !strings.Contains(table, ",'=HYPERLINK(1),") || !strings.Contains(table, "\nsingle,,,,10,") || strings.Contains(string(w.export("csv", run.ID)), "single") {
			t.Errorf("table:\n%s", table)
		}
		if !bytes.HasPrefix(w.export("sqlite"), []byte("SQLite format 3\x00")) {
			t.Error("no database")
		}
		page := string(w.export("html", run.ID))
		if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;alert(1)") || strings.Contains(page, "http://") || strings.Contains(page, "https://") {
			t.Errorf("page:\n%.3000s", page)
		}
		one := filepath.Join(t.TempDir(), "one.db")
		if err := os.WriteFile(one, w.export("sqlite", run.ID), 0o600); err != nil {
			t.Fatal(err)
		}
		other := build(t, options{path: one})
		if got := other.stored(run.ID); got.Name != run.Name {
			t.Errorf("in the database is %+v", got)
		}
	})
}

func TestExportRefuses(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		run := w.start(nil)
		for _, c := range []struct {
			q     service.ExportQuery
			kind  domain.Kind
			field string
		}{
			{service.ExportQuery{Format: "parquet"}, domain.KindInvalid, "query.format"},
			{service.ExportQuery{Format: "html"}, domain.KindInvalid, "query.ids"},
			{service.ExportQuery{Format: "csv", IDs: make([]domain.RunID, 1001)}, domain.KindInvalid, "query.ids"},
			{service.ExportQuery{Format: "csv", IDs: []domain.RunID{run.ID}}, domain.KindConflict, ""},
		} {
			_, err := w.svc.Export(t.Context(), c.q)
			refused(t, err, c.kind, c.field)
		}
		w.wait(run.ID)
		_, err := w.svc.Export(t.Context(), service.ExportQuery{Format: "csv", IDs: []domain.RunID{"none"}})
		refused(t, err, domain.KindNotFound, "")
		x, err := w.svc.Export(t.Context(), service.ExportQuery{Format: "jsonl"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := x.Write(ctx, io.Discard); err == nil {
			t.Error("an export that nobody waits for goes on")
		}
	})
}
