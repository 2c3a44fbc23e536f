package runner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/workload"
)

// timeline are the sends of the measured requests in ms from the first.
func (b *bench) timeline() (sent, due []int) {
	rs := b.measured()
	slices.SortFunc(rs, func(x, y domain.RequestRecord) int { return x.N - y.N })
	for _, r := range rs {
		sent = append(sent, int((r.SentUs-rs[0].SentUs)/1000))
		if r.DueUs != nil {
			due = append(due, int((*r.DueUs-*rs[0].DueUs)/1000))
		}
	}
	return sent, due
}

func (b *bench) open(load domain.Load, requests int) *bench {
	b.plan.Load, b.plan.Stop = load, domain.Stop{Requests: &requests}
	return b
}

func TestOpenLoopKeepsItsSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().open(domain.Load{Kind: domain.LoadRate, RatePerS: new(20.0)}, 6)
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		sent, due := b.timeline()
		if want := []int{0, 50, 100, 150, 200, 250}; !slices.Equal(sent, want) || !slices.Equal(due, want) {
			t.Errorf("sent %v, due %v", sent, due)
		}
		if b.engine.peak != 4 { // 180 ms a request, one every 50 ms
			t.Errorf("%d at a time", b.engine.peak)
		}
	})
}

// A server that stands still for two seconds: only the latency from the due time tells what users
// would have felt.
func TestFrozenServer(t *testing.T) {
	for _, c := range []struct {
		overflow string
		dropped  int
		lateMs   int // of the arrival that was due right after the stall began
	}{{domain.OverflowQueue, 0, 2000}, {domain.OverflowDrop, 20, 0}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(domain.Load{Kind: domain.LoadRate, RatePerS: new(10.0), MaxInFlight: new(1), Overflow: &c.overflow}, 40)
			b.plan.Warmup, b.engine.ttft, b.engine.gap, b.engine.tokens = 0, 10*time.Millisecond, 10*time.Millisecond, 2
			b.engine.step = func(i, k int) error {
				if i == 10 && k == 0 {
					time.Sleep(2 * time.Second) // virtual
				}
				return nil
			}
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			slow, worst := 0, int64(0)
			for _, r := range b.measured() {
				if r.Outcome == domain.OutcomeOK && *r.LastUs > 100_000 {
					slow++
				}
				if r.Outcome == domain.OutcomeOK && r.N > 10 {
					worst = max(worst, r.SentUs-*r.DueUs)
				}
			}
			if o := b.outcomes(); o[domain.OutcomeDropped] != c.dropped || o[domain.OutcomeOK]+c.dropped != 40 {
				t.Errorf("%s: outcomes %v", c.overflow, o)
			}
			if late := int(worst / 1000); slow != 1 || late < c.lateMs-100 || late > c.lateMs {
				t.Errorf("%s: %d slow from the send, %d ms late", c.overflow, slow, late)
			}
			if len(b.engine.calls)+c.dropped != 40 {
				t.Errorf("%s: %d were sent", c.overflow, len(b.engine.calls))
			}
		})
	}
}

func TestPoissonArrivalsAreThoseOfTheSeed(t *testing.T) {
	var all [2][]int
	for i := range all {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(domain.Load{Kind: domain.LoadPoisson, RatePerS: new(50.0)}, 40)
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			all[i], _ = b.timeline()
		})
	}
	if !slices.Equal(all[0], all[1]) || slices.Equal(all[0], slices.Repeat([]int{0}, 40)) {
		t.Errorf("%v\n%v", all[0], all[1])
	}
}

func TestTraceIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		id := "trace"
		b.plan.DatasetID, b.plan.Load = &id, domain.Load{Kind: domain.LoadTrace, Speed: new(2.0)}
		b.trace = []time.Duration{0, time.Second, 1200 * time.Millisecond}
		b.source = workload.InOrder([]domain.Prompt{{Text: "A"}, {Text: "B"}, {Text: "C"}})
		b.engine.info.CacheOff, b.plan.Warmup = true, 0
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		if sent, _ := b.timeline(); !slices.Equal(sent, []int{0, 500, 600}) {
			t.Errorf("sent %v", sent)
		}
		if p := b.prompts(); !slices.Equal(p, []string{"A", "B", "C"}) {
			t.Errorf("prompts %q", p)
		}
	})
}

func (b *bench) prompts() []string {
	var out []string
	for _, c := range b.engine.calls {
		out = append(out, c.Prompt)
	}
	return out
}

func TestSweepGoesStageByStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Load, b.plan.Stop.Requests = domain.Load{Kind: domain.LoadSweep, Values: []float64{1, 2, 4}}, new(8)
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		byStage, ends := map[int]int{}, map[int]int64{}
		for _, r := range b.measured() {
			byStage[r.Stage]++
			ends[r.Stage] = max(ends[r.Stage], r.SentUs+*r.ClosedUs)
		}
		if !maps.Equal(byStage, map[int]int{0: 8, 1: 8, 2: 8}) || len(b.engine.calls) != 25 {
			t.Errorf("requests %v, %d calls", byStage, len(b.engine.calls))
		}
		var names []string
		for _, p := range b.tray.phases {
			if p.Stage != nil {
				names = append(names, p.Stage.Name)
				if i := p.Stage.Index; i > 0 && p.TUs < ends[i-1] {
					t.Errorf("%s began before the stage before it had ended", p.Stage.Name)
				}
			}
		}
		if !slices.Equal(names, []string{"closed:1", "closed:2", "closed:4"}) {
			t.Errorf("stages %v", names)
		}
		for _, e := range b.tray.events {
			if s := e.Progress.Stage; s != nil && (*s.Count != 3 || *s.Total != 8 || s.Done > 8) {
				t.Fatalf("stage progress %+v", *s)
			}
		}
	})
}

// The engine serves four at a time, so throughput stops rising there; five users break the objective.
func TestKneeSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.engine.seats = make(chan struct{}, 4)
		b.plan.Load = domain.Load{Kind: domain.LoadKnee, To: new(64.0), Objective: &domain.Objective{Metric: "ttft", BelowMs: 150}}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		var users []int
		for _, p := range b.tray.phases {
			if p.Stage != nil {
				users = append(users, *p.Stage.Load.Concurrency)
			}
		}
		if want := []int{1, 2, 4, 8, 6, 5}; !slices.Equal(users, want) {
			t.Errorf("searched %v, want %v", users, want)
		}
	})
}

func TestCooldownKeepsTheLoadUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(2, 4)
		b.plan.Cooldown = 3
		b.engine.step = func(i, k int) error {
			if i == 2 && k == 1 {
				time.Sleep(time.Second) // virtual: one measured request takes long
			}
			return nil
		}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		count := map[domain.Phase]int{}
		for _, r := range b.tray.requests {
			count[r.Phase]++
		}
		if !maps.Equal(count, map[domain.Phase]int{domain.PhaseWarmup: 1, domain.PhaseMeasure: 4, domain.PhaseCooldown: 3}) {
			t.Errorf("requests %v", count)
		}
	})
}

func TestConversationsCarryTheirHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench().closed(1, 5)
		b.plan.Warmup = 0
		b.source = workload.InOrder([]domain.Prompt{
			{Text: "one", History: []domain.Message{{Role: "system", Content: "Be brief."}}, Turns: []domain.Turn{{Text: "two"}, {Text: "three", MaxTokens: new(3)}}},
		})
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		var turns []string
		for _, r := range b.measured() {
			turns = append(turns, fmt.Sprintf("%d/%d", *r.Conversation, r.Turn))
		}
		if want := []string{"0/0", "0/1", "0/2", "1/0", "1/1"}; !slices.Equal(turns, want) {
			t.Errorf("turns %v", turns)
		}
		third := b.engine.calls[2]
		if third.Prompt != "three" || third.MaxTokens != 3 || len(third.History) != 5 {
			t.Fatalf("third request %+v", third)
		}
		if h := third.History; h[0].Role != "system" || !strings.HasSuffix(h[1].Content, "one") || h[1].Content != b.engine.calls[0].Prompt ||
			h[2].Role != "assistant" || h[2].Content != strings.Repeat("word ", 5) || h[3].Content != "two" {
			t.Errorf("history %+v", h)
		}
	})
}

func TestDepthIsReadOnceAndSharedByItsStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Warmup, b.plan.Stop.Requests = 0, new(2)
		b.plan.Stages = []domain.PlanStage{{}, {DepthTokens: new(50)}}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		calls := b.engine.calls
		if len(calls) != 5 || calls[2].MaxTokens != 1 || !calls[2].CachePrompt || calls[0].CachePrompt {
			t.Fatalf("calls %+v", calls)
		}
		common := func(a, b string) int {
			n := 0
			for n < min(len(a), len(b)) && a[n] == b[n] {
				n++
			}
			return n
		}
		prime := strings.TrimRight(calls[2].Prompt[:len(calls[2].Prompt)-len("Hello")], "\n")
		if n := common(calls[3].Prompt, calls[4].Prompt); n < 150 || n >= len(calls[3].Prompt)-len("Hello") {
			t.Errorf("%d bytes in common of %q", n, calls[3].Prompt)
		}
		if common(prime, calls[3].Prompt) < 150 || b.tray.requests[2].Phase != domain.PhaseWarmup || b.tray.requests[2].Stage != 1 {
			t.Errorf("the context was read as %+v", b.tray.requests[2])
		}
	})
}

// The same plan sends the same requests, those lines apart that keep a cache cold.
func TestSameSeedSameRequests(t *testing.T) {
	var all [2][]domain.GenRequest
	for i := range all {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().closed(3, 12)
			b.engine.info.CacheOff = true
			b.source = workload.FromPrompts([]domain.Prompt{{Text: "A"}, {Text: "B"}, {Text: "C"}, {Text: "D"}, {Text: "E"}}, 7)
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			all[i] = b.engine.calls
			slices.SortStableFunc(all[i][1:], func(x, y domain.GenRequest) int { return strings.Compare(x.Prompt, y.Prompt) })
		})
	}
	if fmt.Sprint(all[0]) != fmt.Sprint(all[1]) || len(all[0]) != 13 {
		t.Errorf("%v\n%v", all[0], all[1])
	}
}

func TestConfidenceEndsAStage(t *testing.T) {
	for _, c := range []struct {
		percent float64
		spread  time.Duration // every second request is slower by it
		want    int
	}{
		{5, 0, 10},                      // the fewest
		{50, 20 * time.Millisecond, 10}, // good enough at once
		{5, 50 * time.Millisecond, 71},  // 125 ± 25 ms: t · s / √n ≤ 6.25 ms from n = 65 on, the first odd one below
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.plan.Warmup, b.plan.Stop = 0, domain.Stop{ConfidencePercent: &c.percent}
			b.engine.step = func(i, k int) error {
				if k == 0 && i%2 == 1 {
					time.Sleep(c.spread) // virtual
				}
				return nil
			}
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			if n := len(b.measured()); n < c.want-8 || n > c.want+2 {
				t.Errorf("± %g %%, spread %s: %d requests, want about %d", c.percent, c.spread, n, c.want)
			}
		})
	}
}
