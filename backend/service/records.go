package service

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/verdict"
)

// maxPage is the largest page of requests and results.
const maxPage = 1000

// MetricsQuery narrows BenchmarkMetrics. Every 0: as sampled; otherwise one sample in so long a time. Points
// 0: all; otherwise at most so many, which hold the lowest and the highest value of every sensor in each
// stretch of the time, or its Means, and none is shorter than Every. Nil times are those of the job; nil Series are all
// keys of a sample, and only with Points the others are left out.
type MetricsQuery struct {
	Every          time.Duration
	Points         int
	Phase          domain.Phase
	StartUs, EndUs *int64
	Series         []string
	Means          bool
	Most           int // samples of an answer without Points; 0: all
}

// filter leaves the samples from before the job, with negative times, out unless the idle phase is asked for.
func (q MetricsQuery) filter() domain.SampleFilter {
	f := domain.SampleFilter{FromUs: or(q.StartUs, math.MinInt64), ToUs: or(q.EndUs, math.MaxInt64),
		EveryUs: q.Every.Microseconds(), Phase: q.Phase, Series: q.Series, Means: q.Means}
	if q.Phase != domain.PhaseIdle {
		f.FromUs = max(f.FromUs, 0)
	}
	return f
}

// BenchmarkMetrics returns a job's samples by time; those from before it, with negative times, only
// when the idle phase is asked for.
func (s *Service) BenchmarkMetrics(ctx context.Context, id domain.RunID, q MetricsQuery) ([]domain.Sample, error) {
	if q.StartUs != nil && q.EndUs != nil && *q.StartUs > *q.EndUs {
		return nil, domain.Invalid("query.end_us", "must not be before start_us")
	}
	if _, err := s.Benchmark(ctx, id); err != nil {
		return nil, err
	}
	f := q.filter()
	if q.Points > 0 {
		return s.d.Store.SampleEnvelope(ctx, id, f, q.Points)
	}
	out := []domain.Sample{}
	next := int64(math.MinInt64)
	for smp, err := range s.d.Store.SampleRange(ctx, id, f.FromUs, f.ToUs) {
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
		if f.Phase != "" && smp.Phase != f.Phase {
			continue
		}
		if q.Every > 0 {
			if smp.TUs < next {
				handRemote(&out[len(out)-1], smp)
				continue
			}
			next = smp.TUs + q.Every.Microseconds()
		}
		if q.Most > 0 && len(out) == q.Most {
			break
		}
		out = append(out, smp)
	}
	return out, nil
}

// handRemote gives what other machines answered at a reading that is left out to the one kept before
// it: those answers are rare, and none should be lost.
func handRemote(kept *domain.Sample, left domain.Sample) {
	kept.Remote = append(kept.Remote[:len(kept.Remote):len(kept.Remote)], left.Remote...)
}

// BenchmarkPhases returns when each phase began.
func (s *Service) BenchmarkPhases(ctx context.Context, id domain.RunID) ([]domain.PhaseChange, error) {
	if _, err := s.Benchmark(ctx, id); err != nil {
		return nil, err
	}
	return s.d.Store.Phases(ctx, id)
}

// BenchmarkRequests pages through a job's requests, without chunks and text.
func (s *Service) BenchmarkRequests(ctx context.Context, id domain.RunID, f domain.RequestFilter) (domain.Page[domain.RequestRecord], error) {
	if _, err := s.Benchmark(ctx, id); err != nil {
		return domain.Page[domain.RequestRecord]{}, err
	}
	f.Limit, f.Offset = pageSize(f.Limit), max(f.Offset, 0)
	return s.d.Store.Requests(ctx, id, f)
}

// BenchmarkRequest returns one request with prompt, output, chunk times and server timings.
func (s *Service) BenchmarkRequest(ctx context.Context, id domain.RunID, n int) (domain.RequestRecord, error) {
	if _, err := s.Benchmark(ctx, id); err != nil {
		return domain.RequestRecord{}, err
	}
	rec, err := s.d.Store.Request(ctx, id, n)
	if domain.KindOf(err) == domain.KindNotFound {
		return rec, &domain.Error{Kind: domain.KindNotFound, Msg: "This benchmark has no request with this number.", Err: err}
	}
	return rec, err
}

// BenchmarkReport returns a job with its figures as other tools would compute them from the same
// records; tool narrows to one of them. A job without records has none.
func (s *Service) BenchmarkReport(ctx context.Context, id domain.RunID, tool string) (domain.RunReport, error) {
	if tool != "" && !slices.Contains(lensTools(), tool) {
		return domain.RunReport{}, domain.Invalid("query.as", "must be one of "+strings.Join(lensTools(), ", "))
	}
	run, err := s.Benchmark(ctx, id)
	if err != nil {
		return domain.RunReport{}, err
	}
	out := domain.RunReport{Run: run, Lenses: []domain.Lens{}}
	var info domain.EngineInfo
	if run.Environment != nil {
		info = run.Environment.Engine
	}
	if run.Imported != nil && !run.Imported.Timed {
		return out, nil // no tool's figures can be told without the times of sending
	}
	in, err := s.records(ctx, run, info)
	if err != nil || len(in.Requests) == 0 {
		return out, err
	}
	if run.Imported == nil || run.Environment != nil { // else this machine had no part in it
		s.lateBandwidth(ctx, &run)
		out.Run.Bottleneck = verdict.Of(run, in.Requests, in.Samples)
	} else {
		in.Sensors, in.GPUs = nil, nil
	}
	for _, l := range stats.Lenses(in) {
		if tool == "" || l.Tool == tool {
			out.Lenses = append(out.Lenses, l)
		}
	}
	return out, nil
}

// lensTools names the tools whose definitions a report can follow.
func lensTools() []string { return []string{"vllm", "aiperf", "guidellm", "llama-bench", "llmperf"} }

func pageSize(limit int) int {
	if limit <= 0 {
		return 100
	}
	return min(limit, maxPage)
}

// load1 is the load average of the last minute, nil where the system has none.
func load1() *float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return nil
	}
	return &v
}
