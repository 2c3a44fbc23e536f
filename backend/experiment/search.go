package experiment

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// The states of a search.
const (
	capacityWaiting   = "waiting"
	capacitySearching = "searching"
	capacityFound     = "found"
	capacityNone      = "none"
	capacityLimit     = "limit"
	capacityStopped   = "stopped"
)

// closeUsers is how near, as a share, the last number that holds and the first that does not come to each other;
// small numbers come as near as one.
const closeUsers = 0.05

// userSearch is the search of one persona as far as it has come.
type userSearch struct {
	design  domain.CapacityDesign
	persona domain.Persona
	arms    map[int]int // by users
	points  []probe     // by users
	spread  float64
	count   int // runs that have ended
}

// probe is what is known of one number of users.
type probe struct {
	domain.CapacityPoint
	runs    []infer.Trials
	total   infer.Trials
	broken  bool // a run of it failed as a whole
	planned bool
	fit     float64
}

func searchOf(e domain.Experiment, p domain.Persona, runs []domain.Run) *userSearch {
	s := &userSearch{design: *e.Design.Capacity, persona: p, arms: map[int]int{}, spread: 1}
	at := map[int]*probe{}
	for i, a := range e.Arms {
		l := a.Benchmark.Load
		if l == nil || a.Name != armName(p.Key, or(l.Concurrency, 0)) {
			continue
		}
		s.arms[*l.Concurrency] = i
		at[i] = &probe{CapacityPoint: domain.CapacityPoint{Arm: i, Users: *l.Concurrency, Runs: []domain.RunID{}, Holds: "unknown"}}
	}
	for _, order := range e.Order {
		for _, arm := range order {
			if q := at[arm]; q != nil {
				q.planned = true
			}
		}
	}
	for i := range runs {
		if q := at[runs[i].Experiment.Arm]; q != nil && runs[i].Status.Ended() && runs[i].Status != domain.StatusCanceled {
			q.add(&runs[i])
			s.count++
		}
	}
	for _, q := range at {
		s.points = append(s.points, *q)
	}
	slices.SortFunc(s.points, func(a, b probe) int { return a.Users - b.Users })
	var loads [][]infer.Trials
	for _, q := range s.points {
		loads = append(loads, q.runs)
	}
	s.spread, _ = infer.Spread(loads)
	for i := range s.points {
		s.points[i].judge(*p.SharePercent/100, s.spread)
	}
	s.fit()
	return s
}

// add counts a run that has ended.
func (q *probe) add(r *domain.Run) {
	q.Runs = append(q.Runs, r.ID)
	f := compare.Figures(r)
	if r.Status != domain.StatusCompleted || f == nil || f.Goodput == nil || f.Goodput.Fraction == nil {
		q.broken, q.Reason = true, reasonOf(*r)
		return
	}
	t := infer.Trials{Met: f.Goodput.Met}
	if t.N = t.Met; *f.Goodput.Fraction > 0 {
		t.N = int(math.Round(float64(t.Met) / *f.Goodput.Fraction))
	} else {
		t.N = requestsCounted(f)
	}
	q.runs = append(q.runs, t)
	q.total.Met, q.total.N = q.total.Met+t.Met, q.total.N+t.N
	if q.broken {
		return
	}
	for _, stage := range r.Summary.Stages {
		for _, o := range stage.Objectives {
			if !o.Met {
				q.Reason = missedWord(o)
			}
		}
	}
}

// requestsCounted is how many requests were measured, failed and dropped ones included.
func requestsCounted(f *domain.Figures) int {
	n := f.Requests
	return n.OK + n.Error + n.Incomplete + n.Canceled + n.Dropped
}

func missedWord(o domain.ObjectiveResult) string {
	name := fmt.Sprintf("%s p%g", strings.ToUpper(o.Objective.Metric), or(o.Objective.Percentile, defaultShare))
	if o.ValueMs == nil {
		return fmt.Sprintf("%s has no value; the limit is %g ms.", name, o.Objective.BelowMs)
	}
	return fmt.Sprintf("%s is %.0f ms; the limit is %g ms.", name, *o.ValueMs, o.Objective.BelowMs)
}

// judge says whether the objectives hold at a probe by itself.
func (q *probe) judge(share, spread float64) {
	q.Met, q.Requests = q.total.Met, q.total.N
	switch {
	case q.broken:
		q.Holds, q.fit = "refuted", 0
	case q.total.N > 0:
		q.fit = float64(q.total.Met) / float64(q.total.N)
		q.Holds = "unlikely"
		if q.fit >= share {
			q.Holds = "likely"
		}
		if in, ok := infer.TrialsInterval(q.total, spread, compare.Confidence); ok {
			q.Interval = &domain.Interval{in.Low, in.High}
			if in.Low >= share {
				q.Holds = "shown"
			} else if in.High < share {
				q.Holds = "refuted"
			}
		}
	}
	if q.total.N > 0 {
		q.Share = new(float64(q.total.Met) / float64(q.total.N))
	}
	if q.fit >= share {
		q.Reason = ""
	}
}

// fit makes the shares fall with the users where luck made one rise: neighbours that stand the wrong way round get
// their common share (Ayer et al. 1955, pool adjacent violators).
func (s *userSearch) fit() {
	type pool struct {
		sum, weight float64
		n           int
	}
	var pools []pool
	measured := s.measured()
	for _, q := range measured {
		w := float64(max(1, q.total.N))
		pools = append(pools, pool{q.fit * w, w, 1})
		for n := len(pools); n > 1 && pools[n-1].sum/pools[n-1].weight > pools[n-2].sum/pools[n-2].weight; n = len(pools) {
			pools[n-2] = pool{pools[n-2].sum + pools[n-1].sum, pools[n-2].weight + pools[n-1].weight, pools[n-2].n + pools[n-1].n}
			pools = pools[:n-1]
		}
	}
	i := 0
	for _, p := range pools {
		for range p.n {
			measured[i].fit = p.sum / p.weight
			i++
		}
	}
}

// measured are the points that have a run.
func (s *userSearch) measured() []*probe {
	var out []*probe
	for i := range s.points {
		if len(s.points[i].Runs) > 0 {
			out = append(out, &s.points[i])
		}
	}
	return out
}

// bracket is the largest number that holds, 0 where none does, and the smallest that does not, 0 where all hold.
func (s *userSearch) bracket() (good, bad int) {
	for _, q := range s.measured() {
		if q.fit >= *s.persona.SharePercent/100 {
			good = q.Users
		} else if bad == 0 {
			bad = q.Users
		}
	}
	return good, bad
}

// shown is the largest number that is shown to hold, 0 where none is, and the smallest that is shown not to, 0
// where none is.
func (s *userSearch) shown() (low, high int) {
	for _, q := range s.measured() {
		if q.Holds == "shown" {
			low = q.Users
		} else if q.Holds == "refuted" && high == 0 {
			high = q.Users
		}
	}
	return low, high
}

// missing is how many runs a probe still lacks to have been repeated as often as asked.
func (s *userSearch) missing(users int) int {
	for _, q := range s.points {
		if q.Users == users {
			return *s.design.Repeats - len(q.Runs)
		}
	}
	return *s.design.Repeats
}

// next is how often which numbers of users are measured next; empty at the end.
func (s *userSearch) next() map[int]int {
	if s.count >= *s.design.MaxRuns {
		return nil
	}
	most := *s.design.MaxUsers
	if len(s.measured()) == 0 {
		return map[int]int{1: 1}
	}
	good, bad := s.bracket()
	switch gap := s.gap(good); {
	case bad == 0 && good < most:
		return map[int]int{min(2*good, most): 1}
	case bad > good+gap:
		return map[int]int{(good + bad) / 2: 1}
	}
	wanted := map[int]int{}
	for _, users := range []int{good, bad} {
		if n := s.missing(users); users > 0 && n > 0 {
			wanted[users] = n
		}
	}
	if len(wanted) == 0 {
		s.secure(good, bad, wanted)
	}
	left := *s.design.MaxRuns - s.count
	for _, users := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[users] = min(wanted[users], left); wanted[users] == 0 {
			delete(wanted, users)
			continue
		}
		left -= wanted[users]
	}
	return wanted
}

func (s *userSearch) gap(good int) int { return max(1, int(closeUsers*float64(good))) }

// secure asks for the numbers below and above the border, at growing distance, until one is shown to hold and one
// to fail.
func (s *userSearch) secure(good, bad int, wanted map[int]int) {
	low, high := s.shown()
	gap := s.gap(good)
	for step := gap; good > 0 && low < good; step *= 2 {
		users := max(1, good-step)
		if users <= low {
			break
		}
		if n := s.missing(users); n > 0 {
			wanted[users] = n
			break
		}
		if users == 1 {
			break
		}
	}
	for step := gap; bad > 0 && (high == 0 || high > bad); step *= 2 {
		users := min(*s.design.MaxUsers, bad+step)
		if high > 0 && users >= high || users <= bad {
			break
		}
		if n := s.missing(users); n > 0 {
			wanted[users] = n
			break
		}
		if users == *s.design.MaxUsers {
			break
		}
	}
}

// result is what the search says. Before its turn it waits.
func (s *userSearch) result(ended, waiting bool) domain.PersonaCapacity {
	out := domain.PersonaCapacity{Key: s.persona.Key, Objectives: s.persona.Objectives, SharePercent: *s.persona.SharePercent,
		State: capacitySearching, Points: []domain.CapacityPoint{}, Spread: s.spread}
	for _, q := range s.points {
		if q.planned {
			out.Points = append(out.Points, q.CapacityPoint)
		}
	}
	good, bad := s.bracket()
	over := len(s.next()) == 0
	switch {
	case len(s.measured()) == 0 && ended:
		out.State = capacityStopped
	case len(s.measured()) == 0 && waiting:
		out.State = capacityWaiting
	case over && bad == 0 && good >= *s.design.MaxUsers:
		out.State = capacityLimit
	case over && bad > 0 && good == 0:
		out.State = capacityNone
	case over && bad > 0 && bad <= good+s.gap(good):
		out.State = capacityFound
	case over || ended:
		out.State = capacityStopped
	}
	if len(s.measured()) > 0 {
		low, high := s.shown()
		out.Users, out.Low = new(good), new(min(low, good))
		if high > 0 {
			out.High = new(max(high-1, good))
		}
	}
	out.Sentence = s.sentence(out, bad)
	return out
}

func usersWord(n int) string {
	if n == 1 {
		return "1 user"
	}
	return fmt.Sprintf("%d users", n)
}

func (s *userSearch) sentence(c domain.PersonaCapacity, bad int) string {
	if c.Users == nil {
		return ""
	}
	n := *c.Users
	switch c.State {
	case capacityNone:
		q := s.measured()[0]
		text := "Not even one user: the run failed."
		if q.Share != nil {
			text = fmt.Sprintf("Not even one user: %.1f %% of the requests met the objectives; %g %% must.", 100**q.Share, c.SharePercent)
		}
		return strings.TrimSpace(text + " " + q.Reason)
	case capacityLimit:
		if *c.Low < n {
			return fmt.Sprintf("At least %s: the most that were tried still hold (%d with 95 %% confidence).", usersWord(n), *c.Low)
		}
		return fmt.Sprintf("At least %s: the most that were tried still hold.", usersWord(n))
	case capacityFound:
		if c.High == nil {
			return fmt.Sprintf("%s (at least %d with 95 %% confidence).", usersWord(n), *c.Low)
		}
		if *c.Low == *c.High {
			return fmt.Sprintf("%s, with 95 %% confidence.", usersWord(n))
		}
		return fmt.Sprintf("%s (%d–%d with 95 %% confidence).", usersWord(n), *c.Low, *c.High)
	}
	if bad == 0 {
		return fmt.Sprintf("So far: %s hold.", usersWord(n))
	}
	if bad-1 == n {
		return fmt.Sprintf("So far: %s.", usersWord(n))
	}
	return fmt.Sprintf("So far: between %d and %s.", n, usersWord(bad-1))
}
