package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/inferometer/inferometer/backend/domain"
)

// pacerOf builds the pacer of a stage that a word describes.
func pacerOf(t *testing.T, word string, stop domain.Stop) Pacer {
	t.Helper()
	return stagePacer(t, word, stop, 7, 0)
}

func stagePacer(t *testing.T, word string, stop domain.Stop, seed int64, index int) Pacer {
	t.Helper()
	l, err := ParseWord(word)
	if err != nil {
		t.Fatal(err)
	}
	p, err := For(domain.PlanStage{Index: index, Name: word, Load: l, Stop: stop}, seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func requests(n int) domain.Stop { return domain.Stop{Requests: &n} }

func TestDescribe(t *testing.T) {
	s := pacerOf(t, "closed:8,think=250ms", domain.Stop{Requests: new(5), DurationS: new(1.5), Tokens: new(10), Errors: new(2)}).Describe()
	if s.Kind != "closed" || s.Name != "closed:8,think=250ms" || s.Open || s.Users != 8 || s.MaxInFlight != 0 || s.OnePass ||
		s.Think != 250*time.Millisecond || *s.Requests != 5 || s.Duration != 1500*time.Millisecond || s.Tokens != 10 || s.Errors != 2 {
		t.Errorf("closed: %+v", s)
	}
	s = pacerOf(t, "poisson:5/s,max=3", domain.Stop{Errors: new(2)}).Describe()
	if !s.Open || s.Users != 0 || s.MaxInFlight != 3 || !s.OnePass || s.Requests != nil {
		t.Errorf("poisson: %+v", s)
	}
	if n := s.Limit(12); n == nil || *n != 12 {
		t.Errorf("one pass over 12 is %v", n)
	}
	if s = pacerOf(t, "ramp:2..64/30s", domain.Stop{Tokens: new(1)}).Describe(); s.Open || s.Users != 64 || s.Limit(12) != nil {
		t.Errorf("ramp: %+v", s)
	}
	if s = pacerOf(t, "rate:5/s", requests(4)).Describe(); s.MaxInFlight != DefaultMaxInFlight || *s.Limit(99) != 4 {
		t.Errorf("rate: %+v", s)
	}
}

func TestDueOfUsers(t *testing.T) {
	p := pacerOf(t, "closed:4", requests(3))
	for n := -1; n < 6; n++ {
		if offset, ok := p.Due(n); ok != (n >= 0 && n < 3) || offset != 0 {
			t.Errorf("Due(%d) = %s, %v", n, offset, ok)
		}
	}
	// A pass over a dataset is ended by the runner, which knows how long it is.
	if _, ok := pacerOf(t, "single", domain.Stop{}).Due(1000); !ok {
		t.Error("one pass ended by itself")
	}
}

func TestStart(t *testing.T) {
	cases := []struct {
		word string
		want map[int]time.Duration
	}{
		{"closed:4", map[int]time.Duration{0: 0, 3: 0}},
		{"closed:4,spread=1s", map[int]time.Duration{0: 0, 1: 250 * time.Millisecond, 3: 750 * time.Millisecond}},
		// One to three users in three seconds: each level holds for one of them.
		{"ramp:1..3/3s", map[int]time.Duration{0: 0, 1: time.Second, 2: 2 * time.Second}},
		{"ramp:2..4/3s", map[int]time.Duration{0: 0, 1: 0, 2: time.Second, 3: 2 * time.Second}},
		{"rate:4/s", map[int]time.Duration{0: 0, 3: 0}},
	}
	for _, c := range cases {
		p := pacerOf(t, c.word, requests(9))
		for user, want := range c.want {
			if got := p.Start(user); got != want {
				t.Errorf("%s: user %d starts at %s, want %s", c.word, user, got, want)
			}
		}
	}
}

func TestDueAtARate(t *testing.T) {
	p := pacerOf(t, "rate:4/s", domain.Stop{DurationS: new(1.0)})
	for n, want := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond} {
		if got, ok := p.Due(n); !ok || got != want {
			t.Errorf("Due(%d) = %s, %v", n, got, ok)
		}
	}
	for _, n := range []int{-1, 4} {
		if _, ok := p.Due(n); ok {
			t.Errorf("Due(%d) is within", n)
		}
	}
	// After a day of arrivals the offsets have not drifted.
	if got, _ := pacerOf(t, "rate:7/s", requests(1_000_000)).Due(7 * 86_400); got != 24*time.Hour {
		t.Errorf("arrival of 24 h at %s", got)
	}
}

// The n-th arrival of a ramp is where the integral of the rate reaches n.
func TestDueOfARamp(t *testing.T) {
	for _, c := range []struct{ from, to, length float64 }{{1, 20, 60}, {0.001, 50, 10}, {5, 5.0001, 30}} {
		at := rising(c.from, c.to, seconds(c.length))
		for n := range 2000 {
			s := at(n).Seconds()
			within := min(s, c.length)
			arrived := c.from*within + (c.to-c.from)*within*within/2/c.length + c.to*max(0, s-c.length)
			if math.Abs(arrived-float64(n)) > 1e-6*max(1, float64(n)) {
				t.Fatalf("%+v: at %g s there are %g arrivals, want %d", c, s, arrived, n)
			}
		}
	}
}

// Gaps of random arrivals have the mean and the coefficient of variation asked for.
func TestRandomGaps(t *testing.T) {
	for word, cv := range map[string]float64{"poisson:50/s": 1, "gamma:50/s": 2, "gamma:50/s,cv=0.5": 0.5, "gamma:50/s,cv=1": 1, "gamma:50/s,cv=3": 3} {
		const n = 50_000
		p := pacerOf(t, word, requests(n+1))
		var sum, squares, before float64
		for i := 1; i <= n; i++ {
			at, ok := p.Due(i)
			gap := at.Seconds() - before
			before = at.Seconds()
			if !ok || gap < 0 {
				t.Fatalf("%s: gap %g, %v", word, gap, ok)
			}
			sum += gap
			squares += gap * gap
		}
		mean := sum / n
		got := math.Sqrt(squares/n-mean*mean) / mean
		if math.Abs(mean*50-1) > 0.05 || math.Abs(got/cv-1) > 0.05 {
			t.Errorf("%s: mean %g s, cv %g", word, mean, got)
		}
	}
}

// The gaps follow the distribution, by the test of Kolmogorov and Smirnov at 0.1 %.
func TestGapsFollowTheirDistribution(t *testing.T) {
	const n = 20_000
	for _, cv := range []float64{0.3, 1, 2, 5} {
		shape := 1 / (cv * cv)
		want := distuv.Gamma{Alpha: shape, Beta: shape}
		rng := rand.New(rand.NewPCG(1, 2))
		gaps := make([]float64, n)
		for i := range gaps {
			gaps[i] = gap(rng, cv)
		}
		slices.Sort(gaps)
		far := 0.0
		for i, g := range gaps {
			p := want.CDF(g)
			far = max(far, p-float64(i)/n, float64(i+1)/n-p)
		}
		if far > 1.95/math.Sqrt(n) {
			t.Errorf("cv %g: the distributions lie %g apart", cv, far)
		}
	}
}

func TestSameSeedSameArrivals(t *testing.T) {
	due := func(p Pacer) (all [50]time.Duration) {
		for n := range all {
			all[n], _ = p.Due(n)
		}
		return all
	}
	p := stagePacer(t, "gamma:5/s,cv=2", requests(50), 7, 0)
	first := due(p)
	if again := due(p); again != first {
		t.Error("a second pass differs")
	}
	if got, _ := p.Due(20); got != first[20] {
		t.Error("going back gives another arrival")
	}
	if due(stagePacer(t, "gamma:5/s,cv=2", requests(50), 7, 0)) != first {
		t.Error("the same seed differs")
	}
	if due(stagePacer(t, "gamma:5/s,cv=2", requests(50), 8, 0)) == first {
		t.Error("another seed is the same")
	}
	if due(stagePacer(t, "gamma:5/s,cv=2", requests(50), 7, 1)) == first {
		t.Error("another stage is the same")
	}
	if first[0] != 0 {
		t.Errorf("the first arrival is at %s", first[0])
	}
}

func TestReplay(t *testing.T) {
	trace := []time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 5 * time.Second}
	stage := domain.PlanStage{Load: domain.Load{Kind: "trace", Speed: new(2.0)}}
	p, err := For(stage, 1, trace)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []time.Duration{0, 500 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		if got, ok := p.Due(n); !ok || got != want {
			t.Errorf("Due(%d) = %s, %v", n, got, ok)
		}
	}
	if _, ok := p.Due(4); ok || *p.Describe().Limit(99) != 4 {
		t.Error("the trace does not end")
	}
	stage.Stop.Requests = new(2)
	if p, err = For(stage, 1, trace); err != nil || *p.Describe().Limit(99) != 2 {
		t.Errorf("cut to 2: %v", err)
	}
	for name, bad := range map[string][]time.Duration{"none": nil, "back": {2, 1}} {
		if _, err := For(stage, 1, bad); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForRefuses(t *testing.T) {
	for _, l := range []domain.Load{{}, {Kind: "closed"}, {Kind: "sweep", Values: []float64{1}}, {Kind: "knee"}} {
		if _, err := For(domain.PlanStage{Load: l}, 1, nil); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
