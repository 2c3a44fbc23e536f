package service

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/transfer"
)

// sampleFile is the name under which seed A keeps its demonstration results.
const sampleFile = "test_database.json"

//go:embed sampledata/test_database.json
var embeddedSamples []byte

// AverageResults answers over a window, in debug mode or not. Sample rows count in debug mode only.
func (s *Service) AverageResults(ctx context.Context, w domain.Window, f domain.ResultFilter) (domain.Averages, error) {
	f, err := s.sampleRule(f)
	if err != nil {
		return domain.Averages{}, err
	}
	avg, err := s.d.Store.Averages(ctx, w, f)
	if err != nil {
		return avg, err
	}
	return stats.WithIntervals(avg), nil
}

// LegacyAverage is seed A's route: KindNotReady unless debug mode is on, decided before parse is
// called; parse returns the window, or nil for "over everything"; KindNotFound for an empty window.
func (s *Service) LegacyAverage(ctx context.Context, parse func() (*domain.Window, error), f domain.ResultFilter) (domain.Averages, error) {
	if !s.d.Settings.Debug() {
		return domain.Averages{}, &domain.Error{Kind: domain.KindNotReady,
			Msg:  "This feature is not ready for live yet.",
			Hint: "Set SUPERBENCHMARK_DEBUG=True, or use /api/v1/results/average."}
	}
	w, err := parse()
	if err != nil {
		return domain.Averages{}, err
	}
	if w == nil {
		return s.AverageResults(ctx, domain.Window{}, f)
	}
	avg, err := s.AverageResults(ctx, *w, f)
	if err == nil && avg.Count == 0 {
		return avg, domain.Errorf(domain.KindNotFound, "No benchmarking results found in the specified time range.")
	}
	return avg, err
}

// Results pages through the records behind the averages, newest first.
func (s *Service) Results(ctx context.Context, w domain.Window, f domain.ResultFilter, limit, offset int) (domain.Page[domain.Result], error) {
	f, err := s.sampleRule(f)
	if err != nil {
		return domain.Page[domain.Result]{}, err
	}
	return s.d.Store.Results(ctx, w, f, pageSize(limit), max(offset, 0))
}

// sampleRule hides sample rows everywhere outside debug mode.
func (s *Service) sampleRule(f domain.ResultFilter) (domain.ResultFilter, error) {
	switch f.Sample {
	case "", "only", "exclude":
	default:
		return f, domain.Invalid("query.sample", "must be only or exclude")
	}
	if !s.d.Settings.Debug() {
		if f.Sample == "only" {
			return f, domain.Invalid("query.sample", "there are sample results in debug mode only")
		}
		f.Sample = "exclude"
	}
	return f, nil
}

// loadSampleData stores seed A's sample results; doing it twice changes nothing.
func (s *Service) loadSampleData(ctx context.Context) error {
	rows, err := s.sampleRows()
	if err != nil {
		return err
	}
	return s.storeSamples(ctx, rows)
}

func (s *Service) storeSamples(ctx context.Context, rows []domain.Result) error {
	if err := s.d.Store.UpsertResults(ctx, rows, true); err != nil {
		return fmt.Errorf("store sample data: %w", err)
	}
	return nil
}

func (s *Service) sampleRows() ([]domain.Result, error) {
	data, name, err := s.sampleBytes()
	if err != nil {
		return nil, err
	}
	rows, err := transfer.Results(data)
	if err != nil {
		return nil, &domain.Error{Kind: domain.KindInvalid, Msg: fmt.Sprintf("The sample data in %s cannot be read: %v.", name, err),
			Hint: "Mend the file, or unset SUPERBENCHMARK_TEST_DATABASE.", Err: err}
	}
	for i := range rows {
		rows[i].Sample = true
	}
	return rows, nil
}

// sampleBytes reads the named file, else one in the working directory, else the embedded one.
func (s *Service) sampleBytes() ([]byte, string, error) {
	if name := s.d.TestDatabase; name != "" {
		b, err := os.ReadFile(name) // #nosec G304 -- a file of the person's own choice, or one that the program made
		if err != nil {
			return nil, name, &domain.Error{Kind: domain.KindInvalid, Err: err,
				Msg: "The file named by SUPERBENCHMARK_TEST_DATABASE cannot be read."}
		}
		return b, name, nil
	}
	b, err := os.ReadFile(sampleFile)
	if errors.Is(err, fs.ErrNotExist) {
		return embeddedSamples, "the built-in sample data", nil
	}
	return b, sampleFile, err
}
