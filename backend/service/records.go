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

// MetricsQuery narrows BenchmarkMetrics. Every 0: as sampled; Points 0: all. Points thins to about
// that many readings, keeping the lowest and the highest CPU reading of each stretch.
type MetricsQuery struct {
	Every  time.Duration
	Points int
	Phase  domain.Phase
}

// BenchmarkMetrics returns a job's samples by time; those from before it, with negative times, only
// when the idle phase is asked for.
func (s *Service) BenchmarkMetrics(ctx context.Context, id domain.RunID, q MetricsQuery) ([]domain.Sample, error) {
	if _, err := s.Benchmark(ctx, id); err != nil {
		return nil, err
	}
	out := []domain.Sample{}
	next := int64(math.MinInt64)
	for smp, err := range s.d.Store.Samples(ctx, id) {
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
		if q.Phase != "" && smp.Phase != q.Phase || q.Phase != domain.PhaseIdle && smp.TUs < 0 {
			continue
		}
		if q.Every > 0 {
			if smp.TUs < next {
				handRemote(&out[len(out)-1], smp)
				continue
			}
			next = smp.TUs + q.Every.Microseconds()
		}
		out = append(out, smp)
	}
	return thin(out, q.Points), nil
}

// handRemote gives what other machines answered at a reading that is left out to the one kept before
// it: those answers are rare, and none should be lost.
func handRemote(kept *domain.Sample, left domain.Sample) {
	kept.Remote = append(kept.Remote[:len(kept.Remote):len(kept.Remote)], left.Remote...)
}

// thin keeps about points samples: of each stretch the one with the lowest and the one with the
// highest CPU reading, so that peaks survive.
func thin(all []domain.Sample, points int) []domain.Sample {
	if points <= 0 || len(all) <= points {
		return all
	}
	buckets := max(points/2, 1)
	out := make([]domain.Sample, 0, 2*buckets)
	for b := range buckets {
		lo, hi := b*len(all)/buckets, (b+1)*len(all)/buckets
		low, high := lo, lo
		for i := lo + 1; i < hi; i++ {
			if or(all[i].CPUPercent, 0) < or(all[low].CPUPercent, 0) {
				low = i
			}
			if or(all[i].CPUPercent, 0) > or(all[high].CPUPercent, 0) {
				high = i
			}
		}
		first := len(out)
		out = append(out, all[min(low, high)])
		if low != high {
			out = append(out, all[max(low, high)])
		}
		for i := lo; i < hi; i++ {
			if i != low && i != high {
				handRemote(&out[first], all[i])
			}
		}
	}
	return out
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
