package runner

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// phasesOf lists the phases of a run with how long each took.
func (b *bench) phasesOf() (names []string, took []time.Duration) {
	for i, p := range b.tray.phases {
		names = append(names, string(p.Phase))
		if i+1 < len(b.tray.phases) {
			took = append(took, time.Duration(b.tray.phases[i+1].TUs-p.TUs)*time.Microsecond)
		}
	}
	return names, took
}

func TestRestBetweenRepetitionsAndStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Load, b.plan.Stop.Requests = domain.Load{Kind: domain.LoadSweep, Values: []float64{1, 2}}, new(2)
		b.plan.Repeat, b.plan.Rest = 2, &domain.Rest{Seconds: new(10.0)}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		names, took := b.phasesOf()
		want := []string{"prepare", "settle", "warmup", "measure", "rest", "measure", "rest", "measure", "rest", "measure", "drain", "stop"}
		if !slices.Equal(names, want) {
			t.Fatalf("phases %v", names)
		}
		for i, name := range names {
			if name == "rest" && took[i] != 10*time.Second {
				t.Errorf("rest %d took %v", i, took[i])
			}
		}
		if n := len(b.measured()); n != 8 {
			t.Errorf("%d measured requests", n)
		}
		for _, r := range b.measured() {
			for i, p := range b.tray.phases {
				if p.Phase == domain.PhaseRest && r.SentUs >= p.TUs && r.SentUs < b.tray.phases[i+1].TUs {
					t.Errorf("request %d was sent in a rest", r.N)
				}
			}
		}
		last := b.tray.events[len(b.tray.events)-1].Progress
		if last.Done != 8 || last.Stage.Done != 4 || *last.Stage.Total != 4 {
			t.Errorf("progress %+v, stage %+v", last, last.Stage)
		}
	})
}

// cooling makes the meter read a temperature that falls by a degree a second while nothing is asked, and
// is back at 80 °C after every measuring.
func cooling(ctx context.Context, m *meter) {
	heat := 80.0
	for ctx.Err() == nil {
		m.mu.Lock()
		phase, sink := domain.PhaseIdle, m.sink
		if n := len(m.phases); n > 0 {
			phase = m.phases[n-1]
		}
		m.mu.Unlock()
		if heat -= 0.3; phase != domain.PhaseRest {
			heat = 80
		}
		if sink != nil {
			sink(domain.Sample{Phase: phase, TUs: time.Since(m.start).Microseconds(), GPUTempC: new(heat), CPUTempC: new(40.0)})
		}
		sleep(ctx, 300*time.Millisecond)
	}
}

// A pause that is wanted before the first repetition too comes before anything is sent.
func TestRestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Rest = &domain.Rest{Seconds: new(10.0), First: new(true)}
		wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
		names, took := b.phasesOf()
		if names[2] != "rest" || took[2] != 10*time.Second || slices.Contains(names[3:], "rest") {
			t.Errorf("%v, %v", names, took)
		}
	})
}

func TestRestUntilTheMachineIsCool(t *testing.T) {
	for name, c := range map[string]struct {
		rest        domain.Rest
		least, most time.Duration
		beforeFirst bool
	}{
		"cool":     {domain.Rest{Seconds: new(0.0), BelowC: new(60.0), MostS: new(300.0)}, 19 * time.Second, 21 * time.Second, true},
		"too slow": {domain.Rest{Seconds: new(0.0), BelowC: new(30.0), MostS: new(15.0)}, 15 * time.Second, 16 * time.Second, true},
		"at least": {domain.Rest{Seconds: new(40.0), BelowC: new(60.0), MostS: new(300.0)}, 40 * time.Second, 40 * time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.plan.Repeat, b.plan.Rest, b.plan.Stop.Requests = 2, &c.rest, new(10) // 1.8 s, long enough to grow hot
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); cooling(ctx, b.meter) }()
			wantStatus(t, b.run(t.Context()), domain.StatusCompleted)
			stop()
			<-done
			names, took := b.phasesOf()
			if names[2] != "rest" {
				t.Fatalf("%s: no rest before the first: %v", name, names)
			}
			i := slices.Index(names[3:], "rest") + 3
			if took[i] < c.least || took[i] > c.most {
				t.Errorf("%s: rested %v", name, took[i])
			}
			if c.beforeFirst && (took[2] < c.least || took[2] > c.most) {
				t.Errorf("%s: rested %v before the first", name, took[2])
			}
			if !slices.ContainsFunc(b.tray.events, func(e domain.RunProgressEvent) bool {
				return strings.HasPrefix(e.Progress.Note, "Resting until ")
			}) {
				t.Errorf("%s: no note says what is waited for", name)
			}
		})
	}
}

func TestCancelWhileResting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.plan.Repeat, b.plan.Rest, b.plan.Stop.Requests = 2, &domain.Rest{Seconds: new(600.0)}, new(1)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		wantStatus(t, b.run(ctx), domain.StatusCanceled)
		if took := time.Since(began); took > 31*time.Second || len(b.measured()) != 1 {
			t.Errorf("took %v, %d measured", took, len(b.measured()))
		}
	})
}
