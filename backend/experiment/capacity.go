package experiment

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// What capacity does where nothing else is asked for.
const (
	defaultMaxUsersHere = 32 // every user needs room in the memory of the embedded engine
	defaultMaxUsers     = 256
	mostUsersHere       = 256
	mostUsers           = 10_000
	capacityRepeats     = 3
	leastRequests       = 32
	requestsPerUser     = 2
	defaultProbes       = 40
)

// capacity looks for the largest number of users of whom enough requests meet a persona's objectives. It doubles
// the users until they do not, halves the distance between the last number that held and the first that did not, then
// repeats what lies at the border, and goes down and up from there until a number is shown to hold and one to
// fail: these two enclose the answer. Objectives are judged for each request, by the goodput of its run.
type capacity struct{}

func (capacity) Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals) {
	b := base(r, bad)
	refuseGiven(b, bad)
	d := or(r.Capacity, domain.CapacityDesign{})
	here := b.EndpointID == nil
	most, own := mostUsers, defaultMaxUsers
	if here {
		most, own = mostUsersHere, defaultMaxUsersHere
	}
	d.MaxUsers, d.Repeats = new(or(d.MaxUsers, own)), new(or(d.Repeats, capacityRepeats))
	d.MaxRuns, d.ThinkTimeMs = new(or(d.MaxRuns, defaultProbes)), new(or(d.ThinkTimeMs, 0))
	bad.Range("body.capacity.max_users", float64(*d.MaxUsers), 1, float64(most))
	bad.Range("body.capacity.repeats", float64(*d.Repeats), 2, 20)
	bad.Range("body.capacity.requests", float64(or(d.Requests, leastRequests)), 5, 10_000)
	bad.Range("body.capacity.think_time_ms", float64(*d.ThinkTimeMs), 0, 600_000)
	bad.Range("body.capacity.max_runs", float64(*d.MaxRuns), 4, 200)
	if len(d.Personas) == 0 {
		d.Personas = []domain.Persona{{Key: "chat"}}
	}
	if len(d.Personas) > len(Personas())+1 {
		bad.Add("body.capacity.personas", "must have 1 to %d entries", len(Personas())+1)
	}
	keys := map[string]bool{}
	d.Personas = slices.Clone(d.Personas)
	for i, p := range d.Personas {
		at := fmt.Sprintf("body.capacity.personas[%d]", i)
		if keys[p.Key] {
			bad.Add(at+".key", "is there twice")
		}
		keys[p.Key] = true
		d.Personas[i] = filled(p)
		checkPersona(d.Personas[i], at, bad)
	}
	e.Design.Capacity = &d
	if len(*bad) > 0 {
		return
	}
	for _, p := range d.Personas { // whose benchmark is what all later arms are made of
		e.Arms = append(e.Arms, personaArm(b, d, p, 1))
	}
	if e.Name == "" {
		e.Name = b.ModelID
	}
}

// refuseGiven refuses what the kind itself gives to its runs.
func refuseGiven(b domain.BenchmarkRequest, bad *Refusals) {
	for _, x := range []struct {
		field string
		there bool
	}{{"load", b.Load != nil}, {"stages", len(b.Stages) > 0}, {"stop", b.Stop != nil}, {"slo", b.SLO != nil}, {"repeat", b.Repeat != nil},
		{"warmup", b.Warmup != nil}, {"cooldown", b.Cooldown != nil}} {
		if x.there {
			bad.Add("body.benchmark."+x.field, "is given by the kind capacity")
		}
	}
}

func checkPersona(p domain.Persona, at string, bad *Refusals) {
	known := slices.ContainsFunc(Personas(), func(k domain.Persona) bool { return k.Key == p.Key })
	if !known && p.Key != Custom {
		bad.Add(at+".key", "must be one of reading, chat, coding_agent, voice, custom")
	}
	bad.Range(at+".share_percent", *p.SharePercent, 50, 99.9)
	bad.Range(at+".input_tokens", float64(*p.InputTokens), 1, 1<<20)
	bad.Range(at+".output_tokens", float64(*p.OutputTokens), 1, 32768)
	if n := len(p.Objectives); n < 1 || n > 8 {
		bad.Add(at+".objectives", "must have 1 to 8 entries")
	}
	var e *domain.Error
	if _, err := load.ParseObjectives(p.Objectives); errors.As(err, &e) {
		for _, f := range e.Fields {
			bad.Add(strings.Replace(f.Location, "body.slo", at+".objectives", 1), "%s", f.Message)
		}
	}
}

// requestsOf is how many requests a run of so many users has: as many as it takes to show the share in the repeated
// runs of a point of which nearly all requests meet the objectives, and two for each user, so that it says something
// of the steady state.
func requestsOf(d domain.CapacityDesign, p domain.Persona, users int) int {
	const z2, slack = 3.84, 1.25
	share := *p.SharePercent / 100
	needed := math.Ceil(slack * z2 * share / (1 - share) / float64(*d.Repeats))
	return max(or(d.Requests, max(leastRequests, int(needed))), requestsPerUser*users)
}

// personaArm is the arm of so many users. The requests that begin while the load builds up, and those that go
// on while it ends, are not counted.
func personaArm(b domain.BenchmarkRequest, d domain.CapacityDesign, p domain.Persona, users int) domain.Arm {
	b.Load = &domain.Load{Kind: domain.LoadClosed, Concurrency: new(users)}
	if *d.ThinkTimeMs > 0 {
		b.Load.ThinkTimeMs = d.ThinkTimeMs
	}
	b.Stop = &domain.Stop{Requests: new(requestsOf(d, p, users))}
	b.SLO = p.Objectives
	if b.Prompt == nil && b.DatasetID == nil && b.Synthetic == nil {
		b.Synthetic = &domain.Synthetic{InputTokens: domain.Lengths{Kind: "fixed", Tokens: p.InputTokens}}
	}
	b.MaxTokens = new(or(b.MaxTokens, *p.OutputTokens))
	const mostAround = 1000 // as the contract has it
	b.Warmup, b.Cooldown = new(min(users, mostAround)), new(min(users, mostAround))
	return domain.Arm{Name: armName(p.Key, users), Benchmark: b}
}

func armName(key string, users int) string {
	if users == 1 {
		return key + ", 1 user"
	}
	return fmt.Sprintf("%s, %d users", key, users)
}

func (capacity) Next(e domain.Experiment, runs []domain.Run) Step {
	for i, p := range e.Design.Capacity.Personas {
		s := searchOf(e, p, runs)
		if wanted := s.next(); len(wanted) > 0 {
			return s.step(e, e.Arms[i].Benchmark, wanted)
		}
	}
	return Step{End: &End{domain.StatusCompleted, Complete}}
}

// step measures each of the wanted numbers of users as often as wanted, in blocks that hold each of them once.
func (s *userSearch) step(e domain.Experiment, b domain.BenchmarkRequest, wanted map[int]int) Step {
	var out Step
	list, most := slices.Sorted(maps.Keys(wanted)), 0
	for _, users := range list {
		if most = max(most, wanted[users]); !s.has(users) {
			s.arms[users] = len(e.Arms) + len(out.Arms)
			out.Arms = append(out.Arms, personaArm(b, s.design, s.persona, users))
		}
	}
	for i := range most {
		var block []int
		for _, at := range Shuffled(e.Seed, len(e.Order)+i, len(list)) {
			if users := list[at]; wanted[users] > i {
				block = append(block, s.arms[users])
			}
		}
		out.Blocks = append(out.Blocks, block)
	}
	return out
}

func (s *userSearch) has(users int) bool {
	_, ok := s.arms[users]
	return ok
}

func (capacity) Most(e domain.Experiment) int {
	d := *e.Design.Capacity
	return *d.MaxRuns * len(d.Personas)
}

func (capacity) Result(e *domain.Experiment, runs []domain.Run) {
	out := &domain.CapacityResult{Personas: []domain.PersonaCapacity{}}
	waiting := false
	for _, p := range e.Design.Capacity.Personas {
		c := searchOf(*e, p, runs).result(e.Ended != nil, waiting)
		waiting = waiting || c.State == capacitySearching
		out.Personas = append(out.Personas, c)
	}
	e.Capacity = out
}
