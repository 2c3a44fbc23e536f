package experiment_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/experiment"
)

// served is a system of which the share of requests that meet the objectives falls with the users: it is 95 %
// at the capacity, and luck moves each run as a whole.
type served struct {
	random   *rand.Rand
	capacity float64
	steep    float64 // logits for each doubling
	luck     float64 // standard deviation of a run, in logits
}

func (s served) share(users int, luck float64) float64 {
	logit := math.Log(0.95/0.05) - s.steep*math.Log2(float64(users)/s.capacity) + luck
	return 1 / (1 + math.Exp(-logit))
}

func (s served) answer(a domain.Arm, r *domain.Run) {
	users, n := *a.Benchmark.Load.Concurrency, *a.Benchmark.Stop.Requests
	p, met := s.share(users, s.luck*s.random.NormFloat64()), 0
	for range n {
		if s.random.Float64() < p {
			met++
		}
	}
	goodput(r, met, n)
}

func goodput(r *domain.Run, met, n int) {
	r.Summary.Goodput = &domain.Goodput{Met: met, Fraction: ptr(float64(met) / float64(n))}
	r.Summary.Requests.OK = n
	r.Summary.Stages = []domain.Stage{{Objectives: []domain.ObjectiveResult{{Objective: domain.Objective{Metric: "ttft", Percentile: ptr(95.0), BelowMs: 500},
		ValueMs: ptr(740.0), Met: float64(met) >= 0.95*float64(n)}}}}
}

// The interval holds the true number of users in at least 93 of 100 cases, whether runs differ or not, and the estimate
// is near it.
func TestCapacityHoldsTheTruth(t *testing.T) {
	for name, c := range map[string]struct{ steep, luck float64 }{"runs alike": {6, 0}, "runs differ": {6, 0.4}, "a gentle slope": {3, 0.2}} {
		const times = 300
		inside, near, runs, width := 0, 0, 0, 0
		for seed := range int64(times) {
			system := served{random: rand.New(rand.NewPCG(uint64(seed), 5)), capacity: 2.5 + float64(seed%40)/2, steep: c.steep, luck: c.luck}
			truth := int(system.capacity)
			e := simulated(t, capacityOf(domain.CapacityDesign{MaxUsers: ptr(64), Repeats: ptr(3)}), seed, system.answer)
			p := e.Capacity.Personas[0]
			if p.State != "found" {
				t.Fatalf("%+v", p)
			}
			high := 64
			if p.High != nil {
				high = *p.High
			}
			if *p.Low <= truth && truth <= high {
				inside++
			}
			if math.Abs(float64(*p.Users-truth)) <= max(1, 0.2*float64(truth)) {
				near++
			}
			width += high - *p.Low
			for _, q := range p.Points {
				runs += len(q.Runs)
			}
		}
		t.Logf("%s: inside %d of %d, near %d, %.1f runs, width %.1f", name, inside, times, near, float64(runs)/times, float64(width)/times)
		if inside < times*93/100 || near < times*85/100 {
			t.Errorf("%s: inside %d of %d, near %d", name, inside, times, near)
		}
	}
}

// A server that holds a sharp limit is found to the user.
func TestCapacityOfASharpLimit(t *testing.T) {
	for _, limit := range []int{1, 2, 7, 12, 31} {
		e := simulated(t, capacityOf(domain.CapacityDesign{}), 1, func(a domain.Arm, r *domain.Run) {
			users, n := *a.Benchmark.Load.Concurrency, *a.Benchmark.Stop.Requests
			if goodput(r, n, n); users > limit {
				goodput(r, 0, n)
			}
		})
		p := e.Capacity.Personas[0]
		if p.State != "found" || *p.Users != limit || *p.Low != limit || *p.High != limit {
			t.Errorf("limit %d: %+v", limit, p)
		}
		for _, q := range p.Points {
			if near := q.Users == limit || q.Users == limit+1; near != (len(q.Runs) == 3) {
				t.Errorf("limit %d: %d users have %d runs", limit, q.Users, len(q.Runs))
			}
		}
	}
}

func TestCapacityEnds(t *testing.T) {
	all := func(_ domain.Arm, r *domain.Run) { goodput(r, 40, 40) }
	e := simulated(t, capacityOf(domain.CapacityDesign{MaxUsers: ptr(8)}), 1, all)
	if p := e.Capacity.Personas[0]; p.State != "limit" || *p.Users != 8 || p.High != nil || p.Sentence != "At least 8 users: the most that were tried still hold." {
		t.Errorf("%+v", p)
	}
	e = simulated(t, capacityOf(domain.CapacityDesign{}), 1, func(_ domain.Arm, r *domain.Run) { goodput(r, 16, 40) })
	if p := e.Capacity.Personas[0]; p.State != "none" || *p.Users != 0 || p.Sentence != "Not even one user: 40.0 % of the requests met the objectives; 95 % must. TTFT p95 is 740 ms; the limit is 500 ms." {
		t.Errorf("%+v", p)
	}
	e = simulated(t, capacityOf(domain.CapacityDesign{MaxRuns: ptr(4)}), 1, all)
	if p := e.Capacity.Personas[0]; p.State != "stopped" || *p.Users != 8 || len(p.Points) != 4 {
		t.Errorf("%+v", p)
	}
	// a number of users that cannot be measured is too many
	e = simulated(t, capacityOf(domain.CapacityDesign{}), 1, func(a domain.Arm, r *domain.Run) {
		if goodput(r, 40, 40); *a.Benchmark.Load.Concurrency > 5 {
			r.Status, r.Summary, r.Error = domain.StatusFailed, nil, &domain.RunError{Message: "Out of memory."}
		}
	})
	if p := e.Capacity.Personas[0]; p.State != "found" || *p.Users != 5 || p.Points[len(p.Points)-1].Reason != "Out of memory." {
		t.Errorf("%+v", p)
	}
}

// Each persona is searched by itself, with its own objectives and lengths; what a run may not have is refused.
func TestCapacityPersonas(t *testing.T) {
	d := domain.CapacityDesign{Personas: []domain.Persona{{Key: "voice"}, {Key: "custom", SharePercent: ptr(90.0), InputTokens: ptr(64), OutputTokens: ptr(16),
		Objectives: []domain.Objective{{Metric: "e2e", BelowMs: 3000}}}}}
	e := simulated(t, capacityOf(d), 1, func(a domain.Arm, r *domain.Run) {
		limit := 3
		if strings.HasPrefix(a.Name, "custom") {
			limit = 6
		}
		if goodput(r, 80, 80); *a.Benchmark.Load.Concurrency > limit {
			goodput(r, 0, 80)
		}
	})
	got := e.Capacity.Personas
	if len(got) != 2 || *got[0].Users != 3 || *got[1].Users != 6 || *got[1].Objectives[0].Percentile != 90 || got[0].Objectives[0].BelowMs != 500 {
		t.Errorf("%+v", got)
	}
	b := e.Arms[slices.IndexFunc(e.Arms, func(a domain.Arm) bool { return a.Name == "custom, 4 users" })].Benchmark
	if *b.Synthetic.InputTokens.Tokens != 64 || *b.MaxTokens != 16 || *b.Warmup != 4 || *b.Stop.Requests != 32 {
		t.Errorf("%+v", b)
	}
	for field, d := range map[string]domain.CapacityDesign{
		"body.capacity.max_users":                          {MaxUsers: ptr(300)},
		"body.capacity.repeats":                            {Repeats: ptr(1)},
		"body.capacity.requests":                           {Requests: ptr(1)},
		"body.capacity.think_time_ms":                      {ThinkTimeMs: ptr(-1)},
		"body.capacity.max_runs":                           {MaxRuns: ptr(1)},
		"body.capacity.personas[1].key":                    {Personas: []domain.Persona{{Key: "chat"}, {Key: "chat"}}},
		"body.capacity.personas[0].key":                    {Personas: []domain.Persona{{Key: "ghost"}}},
		"body.capacity.personas[0].objectives":             {Personas: []domain.Persona{{Key: "custom"}}},
		"body.capacity.personas[0].objectives[0].below_ms": {Personas: []domain.Persona{{Key: "chat", Objectives: []domain.Objective{{Metric: "ttft"}}}}},
		"body.capacity.personas[0].share_percent":          {Personas: []domain.Persona{{Key: "chat", SharePercent: ptr(10.0)}}},
		"body.capacity.personas[0].output_tokens":          {Personas: []domain.Persona{{Key: "chat", OutputTokens: ptr(0)}}},
		"body.benchmark.load":                              {},
	} {
		k, _ := experiment.Of("capacity")
		r := capacityOf(d)
		if field == "body.benchmark.load" {
			r.Benchmark.Load = &domain.Load{Kind: "single"}
		}
		var bad experiment.Refusals
		k.Plan(r, &domain.Experiment{}, &bad)
		if !slices.ContainsFunc(bad, func(f domain.FieldError) bool { return f.Location == field }) {
			t.Errorf("%s: %+v", field, bad)
		}
	}
}
