package runner

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/workload"
)

func TestSingleRunIsExactInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.prepare = 2 * time.Second
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)

		if n := len(b.engine.calls); n != 2 {
			t.Fatalf("%d generations were sent, want warm-up and one request", n)
		}
		want := []struct {
			phase domain.Phase
			us    int64
		}{
			{domain.PhasePrepare, 0}, {domain.PhaseSettle, 2_000_000}, {domain.PhaseWarmup, 3_000_000},
			{domain.PhaseMeasure, 3_180_000}, {domain.PhaseDrain, 3_360_000}, {domain.PhaseStop, 3_360_000},
		}
		if len(b.tray.phases) != len(want) {
			t.Fatalf("phases = %v", b.tray.phases)
		}
		for i, w := range want {
			if got := b.tray.phases[i]; got.Phase != w.phase || got.TUs != w.us || b.meter.phases[i] != w.phase {
				t.Errorf("phase %d = %s at %d µs, want %s at %d", i, got.Phase, got.TUs, w.phase, w.us)
			}
		}
		r := b.measured()[0]
		if *r.TTFTUs != 100_000 || *r.TTFVUs != 100_000 || *r.FirstByteUs != 100_000 || *r.LastUs != 180_000 ||
			*r.ClosedUs != 180_000 || *r.TPOTUs != 20_000 || r.SentUs != 3_180_000 {
			t.Errorf("stamps = %+v", r)
		}
		if !slices.Equal(r.ChunkUs, []int64{100_000, 120_000, 140_000, 160_000, 180_000}) {
			t.Errorf("chunks = %v", r.ChunkUs)
		}
		if r.N != 1 || r.TokensFrom != "usage" || *r.OutputTokens != 5 || *r.Output != "word word word word word " || len(r.RequestID) != 36 {
			t.Errorf("record = %+v", r)
		}
		if b.engine.closed != 1 || b.engine.closeCtx != nil || !b.meter.ended || !slices.Equal(b.meter.pids, []int{42, 0}) {
			t.Errorf("closed %d times (%v), telemetry ended %v, pids %v", b.engine.closed, b.engine.closeCtx, b.meter.ended, b.meter.pids)
		}
		if len(b.tray.infos) != 1 || len(b.tray.samples) != len(want) {
			t.Errorf("%d infos, %d samples", len(b.tray.infos), len(b.tray.samples))
		}
	})
}

func TestPromptsAreUniqueUnlessTheCacheIsOff(t *testing.T) {
	for _, off := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.engine.info.CacheOff = off
			b.plan.Repeat = 2
			b.run(t.Context())
			seen := map[string]bool{}
			for _, c := range b.engine.calls {
				seen[c.Prompt] = true
				if !strings.HasSuffix(c.Prompt, "Hello") || c.Model != "m" {
					t.Errorf("request = %+v", c)
				}
			}
			if want := map[bool]int{false: 3, true: 1}[off]; len(b.engine.calls) != 3 || len(seen) != want {
				t.Errorf("cache off %v: %d requests, %d different, want 3 and %d", off, len(b.engine.calls), len(seen), want)
			}
			if a, z := b.tray.requests[0], b.tray.requests[2]; a.PromptHash != z.PromptHash || a.PromptHash == "" {
				t.Error("the prompt's hash must not depend on the prefix")
			}
		})
	}
}

// An engine that can keep on to the asked length is told to, in warm-up too; another is not asked.
func TestLengthIsExactWhereTheEngineCan(t *testing.T) {
	for _, can := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.engine.info.ExactLength = can
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			for _, c := range b.engine.calls {
				if c.ExactLength != can {
					t.Errorf("engine can %v, asked %v", can, c.ExactLength)
				}
			}
		})
	}
}

func TestStoreTextOffKeepsNoText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.StoreText = false
		b.run(t.Context())
		for _, r := range b.tray.requests {
			if r.Prompt != nil || r.Output != nil || r.PromptHash == "" {
				t.Errorf("record = %+v", r)
			}
		}
		for _, e := range b.tray.events {
			if e.Text != "" || e.TextOf != nil {
				t.Errorf("event shows text %q", e.Text)
			}
		}
	})
}

func TestClosedLoopKeepsItsUsersBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(4, 40)
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		if b.engine.peak != 4 || len(b.measured()) != 40 {
			t.Fatalf("peak %d, %d measured", b.engine.peak, len(b.measured()))
		}
		// 10 rounds of 4 without a pause: the last one is sent at 9 × 180 ms.
		start := b.tray.phases[3].TUs
		for _, r := range b.measured() {
			if off := r.SentUs - start; off%180_000 != 0 || off > 9*180_000 {
				t.Errorf("request %d was sent at %d µs", r.N, off)
			}
		}
		numbers := map[int]bool{}
		for _, r := range b.tray.requests {
			numbers[r.N] = true
		}
		if len(numbers) != 41 {
			t.Errorf("%d different numbers for 41 requests", len(numbers))
		}
	})
}

func TestThinkTimeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(1, 3)
		think := 500
		b.plan.Load.ThinkTimeMs = &think
		b.run(t.Context())
		m := b.measured()
		if d := m[2].SentUs - m[1].SentUs; d != 680_000 {
			t.Errorf("gap between sends = %d µs, want 680000", d)
		}
	})
}

func TestStopRules(t *testing.T) {
	second, tokens, two := 1.0, 23, 2
	cases := []struct {
		name  string
		stop  domain.Stop
		errs  bool
		count int
		drain int64 // µs of measuring until drain
	}{
		{"duration lets the one in flight finish", domain.Stop{DurationS: &second}, false, 6, 1_000_000},
		{"tokens", domain.Stop{Tokens: &tokens}, false, 5, 900_000},
		{"errors", domain.Stop{Errors: &two, Requests: new(50)}, true, 4, 4*180_000 - 2*80_000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.plan.Stop = c.stop
				if c.errs {
					b.engine.step = func(i, k int) error {
						if i > 0 && i%2 == 0 && k == 0 {
							return &engine.RequestError{Class: domain.ErrClassHTTP, Status: 500, Msg: "no"}
						}
						return nil
					}
				}
				wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
				if n := len(b.measured()); n != c.count {
					t.Errorf("%d measured requests, want %d", n, c.count)
				}
				if d := b.tray.phases[4].TUs - b.tray.phases[3].TUs; d != c.drain {
					t.Errorf("drain after %d µs, want %d", d, c.drain)
				}
			})
		})
	}
}

func TestDrainCutsOffWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(2, 0)
		b.plan.Warmup = 0
		b.plan.Stop.DurationS = new(0.5)
		b.engine.tokens, b.engine.gap = 10, 10*time.Second
		wantStatus(t, b.run(t.Context()), domain.StatusFailed)
		for _, r := range b.measured() {
			if r.Outcome != domain.OutcomeIncomplete || *r.ClosedUs != (500*time.Millisecond+drainGrace).Microseconds() {
				t.Errorf("outcome %s, closed at %d", r.Outcome, *r.ClosedUs)
			}
		}
	})
}

func TestCancelStopsAtOnceAndKeepsWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(2, 100)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start := time.Now()
		time.AfterFunc(2250*time.Millisecond, cancel)
		wantStatus(t, b.run(ctx), domain.StatusCanceled)
		if took := time.Since(start); took != 2250*time.Millisecond {
			t.Errorf("ended after %s, want 2.25 s", took)
		}
		// 1 s idle, 180 ms warm-up, then 2 users: 5 rounds of 180 ms fit, the sixth is in flight.
		if o := b.outcomes(); o[domain.OutcomeOK] != 10 || o[domain.OutcomeCanceled] != 2 {
			t.Errorf("outcomes = %v", o)
		}
		if b.engine.closed != 1 || b.engine.closeCtx != nil {
			t.Errorf("engine closed %d times, context %v", b.engine.closed, b.engine.closeCtx)
		}
	})
}

func TestCancelWhilePreparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.prepare = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		wantStatus(t, b.run(ctx), domain.StatusCanceled)
		if len(b.engine.calls) != 0 || b.engine.closed != 1 {
			t.Errorf("%d calls, closed %d times", len(b.engine.calls), b.engine.closed)
		}
		if note := b.tray.events[0].Progress.Note; note != "Loading the model" {
			t.Errorf("note = %q", note)
		}
	})
}

func TestEngineDeathFailsTheRunAndKeepsRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(3, 100)
		b.engine.step = func(i, k int) error {
			if i == 10 && k == 2 {
				return &engine.RequestError{Class: domain.ErrClassEngine, Err: &domain.Error{
					Kind: domain.KindEngineFailed, Msg: "exited: not enough memory", LogTail: "last words"}}
			}
			return nil
		}
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if domain.KindOf(res.Err) != domain.KindEngineFailed || !strings.Contains(res.Err.Error(), "not enough memory") {
			t.Errorf("err = %v", res.Err)
		}
		var told *domain.Error
		if !errors.As(res.Err, &told) || told.LogTail != "last words" {
			t.Errorf("the engine's own words are lost: %+v", told)
		}
		if o := b.outcomes(); o[domain.OutcomeOK] != 9 || o[domain.OutcomeError] != 3 {
			t.Errorf("outcomes = %v", o)
		}
	})
}

func TestPrepareErrorIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.prepErr = domain.Errorf(domain.KindConflict, "No engine is installed.")
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if domain.KindOf(res.Err) != domain.KindConflict || b.engine.closed != 1 {
			t.Errorf("err = %v, closed %d", res.Err, b.engine.closed)
		}
	})
}

func TestFailedStreamsAreNeverOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Warmup, b.plan.Stop.Requests = 0, new(6)
		b.engine.step = func(i, k int) error {
			if i == 1 && k == 3 {
				return &engine.RequestError{Class: domain.ErrClassStream, Msg: "error event"}
			}
			return nil
		}
		b.engine.cutShort = func(i int) bool { return i == 4 }
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		m := b.measured()
		if m[1].Outcome != domain.OutcomeError || m[1].ErrorClass != domain.ErrClassStream || len(m[1].ChunkUs) != 3 {
			t.Errorf("error event: %+v", m[1])
		}
		if m[4].Outcome != domain.OutcomeIncomplete {
			t.Errorf("no end mark: %s", m[4].Outcome)
		}
		if len(b.engine.calls) != 6 {
			t.Errorf("%d generations for 6 requests: a failed one was sent again", len(b.engine.calls))
		}
	})
}

func TestAllFailedFailsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.step = func(int, int) error {
			return &engine.RequestError{Class: domain.ErrClassConnect, Msg: "connection refused"}
		}
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if domain.KindOf(res.Err) != domain.KindUnavailable || !strings.Contains(res.Err.Error(), "connection refused") {
			t.Errorf("err = %v", res.Err)
		}
	})
}

func TestStorageErrorFailsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(2, 1000)
		b.tray.fail = func(batch int) error {
			if batch == 8 {
				return errors.New("disk full")
			}
			return nil
		}
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if !strings.Contains(res.Err.Error(), "could not be stored") || !strings.Contains(res.Err.Error(), "disk full") {
			t.Errorf("err = %v", res.Err)
		}
		if n, sent := len(b.tray.requests), len(b.engine.calls); n != sent || sent > 40 {
			t.Errorf("%d of %d records were kept; the last flush tries again", n, sent)
		}
	})
}

func TestChunkCountIsTheLastResort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.noUsage, b.engine.tokens = true, 700 // more than the preallocated blocks
		b.run(t.Context())
		r := b.measured()[0]
		if r.TokensFrom != "chunks" || *r.OutputTokens != 700 || len(r.ChunkUs) != 700 || *r.TPOTUs != 20_000 {
			t.Errorf("%s %d tokens, %d chunks", r.TokensFrom, *r.OutputTokens, len(r.ChunkUs))
		}
	})
}

func TestProgressTellsTheTruth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Stop.Requests = new(4)
		b.plan.MaxTokens, b.engine.tokens = 100, 100
		b.run(t.Context())
		var text strings.Builder
		var done []domain.RequestRecord
		last := -1.0
		for _, e := range b.tray.events {
			p := e.Progress
			if e.TextOf != nil && *e.TextOf == 2 {
				text.WriteString(e.Text)
			}
			done = append(done, e.Requests...)
			if p.Fraction != nil && *p.Fraction < last {
				t.Errorf("fraction falls from %f to %f in %s", last, *p.Fraction, p.Phase)
			}
			if p.Fraction != nil {
				last = *p.Fraction
			}
			if p.Phase == domain.PhaseMeasure && len(e.InFlight) == 1 && e.InFlight[0].TokensPS != nil {
				if got := *e.InFlight[0].TokensPS; math.Abs(got-50) > 1e-6 {
					t.Errorf("live speed = %f, want 50", got)
				}
			}
			if p.LeftS != nil && p.Phase == domain.PhaseMeasure && p.Done == 2 {
				// Two of four requests of 2.08 s are done.
				if left := *p.LeftS; left < 1.5 || left > 4.7 {
					t.Errorf("left = %f s", left)
				}
			}
		}
		if text.String() != *b.measured()[1].Output {
			t.Errorf("followed text = %q", text.String())
		}
		if len(done) != 5 || done[0].ChunkUs != nil || done[0].Output != nil {
			t.Errorf("%d ended requests were told", len(done))
		}
		if e := b.tray.events[len(b.tray.events)-1]; *e.Progress.Fraction != 1 || e.Progress.Done != 4 || *e.Progress.Total != 4 || e.Progress.OutputTokens != 400 {
			t.Errorf("last progress = %+v", e.Progress)
		}
	})
}

func TestRecordsAreReadableWithinHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Stop.Requests = new(20)
		b.run(t.Context())
		for _, r := range b.tray.requests {
			closed := r.StartedAt.Add(time.Duration(*r.ClosedUs) * time.Microsecond)
			if wait := b.tray.stored[r.N].Sub(closed); wait < 0 || wait > flushEvery {
				t.Errorf("request %d was stored %s after it ended", r.N, wait)
			}
		}
	})
}

func TestTenMinutesWithASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(8, 0)
		b.plan.Stop.DurationS = new(599.5)
		b.engine.tokens, b.engine.gap = 50, 100*time.Millisecond // 5 s a request
		b.tray.slow = func() { time.Sleep(3 * time.Second) }     // virtual
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusCompleted)
		// The last of 120 rounds of 8 users starts at 595 s.
		if n := len(b.measured()); n != 960 {
			t.Errorf("%d measured requests, want 960", n)
		}
		for _, r := range b.measured() {
			if *r.TTFTUs != 100_000 || *r.LastUs != 5_000_000 {
				t.Fatalf("request %d: a slow store moved its stamps to %d and %d", r.N, *r.TTFTUs, *r.LastUs)
			}
		}
		if res.DroppedSamples != 0 || res.RecorderLate != 0 {
			t.Errorf("dropped %d, late %s", res.DroppedSamples, res.RecorderLate)
		}
	})
}

func TestDatasetWithoutStopIsOnePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(2, 0)
		id := "set"
		b.plan.DatasetID, b.plan.Repeat = &id, 2
		b.source = workload.FromPrompts([]domain.Prompt{
			{ID: "a", Text: "A"}, {ID: "b", Text: "B"}, {ID: "c", Text: "C", MaxTokens: new(9)},
		}, 1)
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		byHash := map[string]int{}
		for _, r := range b.measured() {
			byHash[r.PromptHash]++
		}
		if len(byHash) != 3 || len(b.measured()) != 6 {
			t.Errorf("prompts = %v", byHash)
		}
		if !slices.ContainsFunc(b.engine.calls, func(c domain.GenRequest) bool { return c.MaxTokens == 9 }) {
			t.Error("a prompt's own max_tokens must override the plan's")
		}
	})
}

// A stream of nothing but its end mark is no success, whatever status it came with.
func TestEmptyStreamIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.tokens, b.engine.noUsage, b.engine.noReason = 0, true, true
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if r := b.measured()[0]; r.Outcome != domain.OutcomeIncomplete || r.ErrorClass != domain.ErrClassCut {
			t.Errorf("%s, %s", r.Outcome, r.ErrorClass)
		}
	})
}
