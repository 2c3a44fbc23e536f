package runner

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/workload"
)

// measuredFor is how many milliseconds the measure phase took until drain, and what became of its requests.
func (b *bench) measuredFor() (ms int, phases map[domain.Phase]int) {
	var from int64
	for _, p := range b.tray.phases {
		switch p.Phase {
		case domain.PhaseMeasure:
			from = p.TUs
		case domain.PhaseDrain:
			ms = int((p.TUs - from) / 1000)
		}
	}
	phases = map[domain.Phase]int{}
	for _, r := range b.tray.requests {
		phases[r.Phase]++
	}
	return ms, phases
}

// A round ends with its last request: nobody waits out a pause after which nothing is left to send.
func TestNobodyWaitsForATurnThatWillNotCome(t *testing.T) {
	for name, l := range map[string]domain.Load{
		"think":  {Kind: domain.LoadClosed, Concurrency: new(2), ThinkTimeMs: new(5000)},
		"spread": {Kind: domain.LoadClosed, Concurrency: new(2), SpreadMs: new(20_000)},
		"ramp":   {Kind: domain.LoadRamp, To: new(2.0), RampS: new(20.0)},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(l, 2)
			b.plan.Warmup, b.plan.Cooldown = 0, 5
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			if ms, phases := b.measuredFor(); ms > 1000 || phases[domain.PhaseMeasure] != 2 {
				t.Errorf("%s: %d ms, %v", name, ms, phases)
			}
		})
	}
}

// The cool-down of an open loop goes on with its arrivals, whichever limit ended the stage.
func TestCooldownOfAnOpenLoopKeepsItsSchedule(t *testing.T) {
	for name, stop := range map[string]domain.Stop{
		"requests": {Requests: new(6)}, "duration": {DurationS: new(0.3)}, "tokens": {Tokens: new(13)},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(domain.Load{Kind: domain.LoadRate, RatePerS: new(20.0)}, 1)
			b.plan.Warmup, b.plan.Cooldown, b.plan.Stop = 0, 2, stop
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			_, phases := b.measuredFor()
			for i, r := range b.tray.requests {
				if r.DueUs == nil || r.SentUs != *r.DueUs {
					t.Errorf("%s: request %d was sent at %d, due %v", name, i, r.SentUs, r.DueUs)
				}
			}
			if phases[domain.PhaseMeasure] != 6 || phases[domain.PhaseCooldown] != 2 {
				t.Errorf("%s: %v", name, phases)
			}
		})
	}
}

// Arrivals that still wait when the stage ends count: without them a queue would hide its overload.
func TestQueueCountsWhatItNeverSent(t *testing.T) {
	for name, stop := range map[string]domain.Stop{"duration": {DurationS: new(2.0)}, "tokens": {Tokens: new(50), DurationS: new(60.0)}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(domain.Load{Kind: domain.LoadRate, RatePerS: new(20.0), MaxInFlight: new(1), Overflow: new(domain.OverflowQueue)}, 1)
			b.plan.Warmup, b.plan.Stop = 0, stop
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			o := b.outcomes()
			if n, want := o[domain.OutcomeOK]+o[domain.OutcomeDropped], map[string]int{"duration": 40, "tokens": 36}[name]; n != want || o[domain.OutcomeDropped] < 20 {
				t.Errorf("%s: %v, want %d in all", name, o, want)
			}
		})
	}
}

// A limit of errors ends its stage, not the whole run.
func TestErrorLimitHoldsForEachStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Warmup, b.plan.Repeat = 0, 2
		b.plan.Load, b.plan.Stop = domain.Load{Kind: domain.LoadSweep, Values: []float64{1, 2}}, domain.Stop{Requests: new(8), Errors: new(3)}
		b.engine.step = func(i, _ int) error {
			if i < 3 || i == 4 || i == 6 {
				return &engine.RequestError{Class: domain.ErrClassHTTP, Status: 500, Msg: "no"}
			}
			return nil
		}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		byStage := map[int]int{}
		for _, r := range b.measured() {
			byStage[r.Stage]++
		}
		if !maps.Equal(byStage, map[int]int{0: 3, 1: 16}) {
			t.Errorf("requests %v", byStage)
		}
	})
}

// An arrival sends its own prompt, also behind one that was dropped, and in the order of the schedule.
func TestArrivalSendsItsOwnPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.DatasetID, b.plan.Load = new("trace"), domain.Load{Kind: domain.LoadTrace, MaxInFlight: new(1)}
		b.trace = []time.Duration{0, 100 * time.Millisecond, time.Second, 2 * time.Second}
		b.source = workload.InOrder([]domain.Prompt{{Text: "A"}, {Text: "B"}, {Text: "C"}, {Text: "D"}})
		b.engine.info.CacheOff, b.plan.Warmup = true, 0
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		if p := b.prompts(); !slices.Equal(p, []string{"A", "C", "D"}) {
			t.Errorf("prompts %q", p)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBench().open(domain.Load{Kind: domain.LoadRate, RatePerS: new(100_000.0)}, 200)
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		if _, due := b.timeline(); !slices.IsSorted(due) {
			t.Errorf("numbers do not follow the schedule: %v", due)
		}
	})
}

// One pass sends every conversation once and whole, however many users share the requests; what a
// failed one leaves is sent by others.
func TestConversationsEndBeforeOthersBegin(t *testing.T) {
	for name, c := range map[string]struct {
		load domain.Load
		fail int // this request fails; -1: none
		want map[string]int
	}{
		"closed": {domain.Load{Kind: domain.LoadClosed, Concurrency: new(2), ThinkTimeMs: new(30)}, -1, map[string]int{"0": 3, "1": 3, "2": 3}},
		"open":   {domain.Load{Kind: domain.LoadRate, RatePerS: new(20.0)}, -1, map[string]int{"0": 3, "1": 3, "2": 3}},
		"failed": {domain.Load{Kind: domain.LoadClosed, Concurrency: new(1)}, 1, map[string]int{"0": 2, "1": 3, "2": 3, "3": 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench().open(c.load, 9)
			b.plan.Warmup = 0
			turns := []domain.Turn{{Text: "more"}, {Text: "yet more"}}
			b.source = workload.InOrder([]domain.Prompt{{Text: "A", Turns: turns}, {Text: "B", Turns: turns}, {Text: "C", Turns: turns}})
			b.engine.step = func(i, _ int) error {
				if i == c.fail {
					return &engine.RequestError{Class: domain.ErrClassHTTP, Status: 500, Msg: "no"}
				}
				return nil
			}
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			got := map[string]int{}
			for _, r := range b.measured() {
				got[fmt.Sprint(*r.Conversation)]++
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("%s: turns of conversations %v, want %v", name, got, c.want)
			}
		})
	}
}
