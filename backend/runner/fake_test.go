package runner

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/load"
	"github.com/inferometer/inferometer/backend/workload"
)

// script is an engine whose every stream follows the same times; step changes single requests.
type script struct {
	ttft, gap time.Duration
	tokens    int
	prepare   time.Duration
	prepErr   error
	info      domain.EngineInfo
	noUsage   bool
	noReason  bool // no finish reason either
	// step may end request i (0, 1, … as they arrive) before chunk k with an error.
	step func(i, k int) error
	// cutShort leaves the end mark out for request i.
	cutShort func(i int) bool
	// seats bounds how many requests are served at a time; others wait. Nil means no bound.
	seats chan struct{}

	mu       sync.Mutex
	calls    []domain.GenRequest
	inFlight int
	peak     int
	closed   int
	closeCtx error // of the context that Close got
}

var _ engine.Engine = (*script)(nil)

func (s *script) Prepare(ctx context.Context, spec domain.EngineSpec) (domain.EngineInfo, error) {
	spec.Progress("Loading the model", nil)
	select {
	case <-time.After(s.prepare):
	case <-ctx.Done():
		return domain.EngineInfo{}, ctx.Err()
	}
	return s.info, s.prepErr
}

func (s *script) Generate(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	s.mu.Lock()
	i := len(s.calls)
	s.calls = append(s.calls, r)
	s.inFlight++
	s.peak = max(s.peak, s.inFlight)
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.inFlight--; s.mu.Unlock() }()
	u := domain.Usage{Sent: time.Now()}
	if s.seats != nil {
		s.seats <- struct{}{}
		defer func() { <-s.seats }()
	}
	for k := range s.tokens {
		wait := s.gap
		if k == 0 {
			wait = s.ttft
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			u.Closed = time.Now()
			return u, &engine.RequestError{Class: domain.ErrClassCanceled, Err: ctx.Err()}
		}
		if s.step != nil {
			if err := s.step(i, k); err != nil {
				u.Closed = time.Now()
				return u, err
			}
		}
		if k == 0 {
			u.FirstByte = time.Now()
		}
		sink(domain.Chunk{At: time.Now(), Kind: domain.ChunkText, Text: "word "})
	}
	u.Closed = time.Now()
	u.Complete = s.cutShort == nil || !s.cutShort(i)
	if !s.noReason {
		u.FinishReason = "length"
	}
	if !s.noUsage {
		n, prompt := s.tokens, 7
		u.OutputTokens, u.PromptTokens = &n, &prompt
	}
	return u, nil
}

func (s *script) Models(context.Context) ([]domain.Model, error) { return nil, nil }

func (s *script) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	s.closeCtx = ctx.Err()
	return nil
}

// meter is telemetry that reads at every phase edge.
type meter struct {
	mu     sync.Mutex
	start  time.Time
	sink   func(domain.Sample)
	phases []domain.Phase
	pids   []int
	ended  bool
}

func (m *meter) Begin(start time.Time, sink func(domain.Sample)) {
	m.mu.Lock()
	m.start, m.sink = start, sink
	m.mu.Unlock()
}

func (m *meter) SetPhase(p domain.Phase) {
	m.mu.Lock()
	m.phases = append(m.phases, p)
	m.mu.Unlock()
	m.sink(domain.Sample{Phase: p, TUs: time.Since(m.start).Microseconds()})
}

func (m *meter) SetEnginePID(pid int) { m.pids = append(m.pids, pid) }
func (m *meter) End()                 { m.ended = true }

// tray is a sink that keeps everything.
type tray struct {
	requests []domain.RequestRecord
	samples  []domain.Sample
	phases   []domain.PhaseChange
	infos    []domain.EngineInfo
	events   []domain.RunProgressEvent
	batches  int
	fail     func(batch int) error
	slow     func()
	stored   map[int]time.Time // when each request was appended
}

func (t *tray) Prepared(i domain.EngineInfo)       { t.infos = append(t.infos, i) }
func (t *tray) Phase(c domain.PhaseChange)         { t.phases = append(t.phases, c) }
func (t *tray) Progress(e domain.RunProgressEvent) { t.events = append(t.events, e) }

func (t *tray) Append(b domain.Batch) error {
	t.batches++
	if t.slow != nil {
		t.slow()
	}
	if t.fail != nil {
		if err := t.fail(t.batches); err != nil {
			return err
		}
	}
	for _, r := range b.Requests {
		if t.stored == nil {
			t.stored = map[int]time.Time{}
		}
		t.stored[r.N] = time.Now()
	}
	t.requests = append(t.requests, b.Requests...)
	t.samples = append(t.samples, b.Samples...)
	return nil
}

// bench is one run with its doubles.
type bench struct {
	engine *script
	meter  *meter
	tray   *tray
	plan   domain.Plan
	source workload.Source
	trace  []time.Duration
}

// newBench is a single run of one warm-up and one request: 100 ms to the first of 5 tokens, then
// one every 20 ms.
func newBench() *bench {
	return &bench{
		engine: &script{ttft: 100 * time.Millisecond, gap: 20 * time.Millisecond, tokens: 5,
			info: domain.EngineInfo{Kind: "script", PID: 42}},
		meter: &meter{}, tray: &tray{},
		plan:   domain.Plan{MaxTokens: 5, Load: domain.Load{Kind: domain.LoadSingle}, Warmup: 1, Repeat: 1, StoreText: true, Seed: 3},
		source: workload.FromPrompts([]domain.Prompt{{ID: "a", Text: "Hello"}}, 3),
	}
}

func (b *bench) closed(users, requests int) *bench {
	b.plan.Load = domain.Load{Kind: domain.LoadClosed, Concurrency: &users}
	if requests > 0 {
		b.plan.Stop.Requests = &requests
	}
	return b
}

func (b *bench) run(ctx context.Context) Result { return Run(ctx, b.job()) }

// job resolves the stages as the service does.
func (b *bench) job() Job {
	plan := b.plan
	if stages, err := load.Stages(plan); err == nil {
		load.Expect(stages, b.source.Len())
		plan.Stages, plan.ExpectedRequests, plan.ExpectedS = stages, new(0), new(0.0)
		for _, s := range stages {
			plan.ExpectedRequests = add(plan.ExpectedRequests, s.ExpectedRequests, plan.Repeat)
			plan.ExpectedS = add(plan.ExpectedS, s.ExpectedS, plan.Repeat)
		}
	}
	return Job{
		ID: "job", Plan: plan, Spec: domain.EngineSpec{Model: domain.Model{ID: "id", Name: "m"}},
		Engine: b.engine, Telemetry: b.meter, Sink: b.tray, StartedAt: time.Now(), Trace: b.trace,
		Source: func(context.Context, domain.EngineInfo, workload.Tokenize) (workload.Source, error) {
			return b.source, nil
		},
	}
}

func add[T int | float64](sum, figure *T, times int) *T {
	if sum == nil || figure == nil {
		return nil
	}
	return new(*sum + *figure*T(times))
}

// measured returns the records of the measured requests.
func (b *bench) measured() []domain.RequestRecord {
	var out []domain.RequestRecord
	for _, r := range b.tray.requests {
		if r.Phase == domain.PhaseMeasure {
			out = append(out, r)
		}
	}
	return out
}

func (b *bench) outcomes() map[domain.Outcome]int {
	out := map[domain.Outcome]int{}
	for _, r := range b.measured() {
		out[r.Outcome]++
	}
	return out
}

func wantStatus(t *testing.T, got Result, want domain.Status) {
	t.Helper()
	if got.Status != want {
		t.Fatalf("status = %s (%v), want %s", got.Status, got.Err, want)
	}
	if (want == domain.StatusFailed) != (got.Err != nil) {
		t.Fatalf("err = %v with status %s", got.Err, got.Status)
	}
	var known *domain.Error
	if got.Err != nil && !errors.As(got.Err, &known) {
		t.Fatalf("err is %T, want *domain.Error", got.Err)
	}
}
