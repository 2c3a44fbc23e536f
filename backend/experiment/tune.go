package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
)

// What tune does where nothing else is asked for.
const (
	defaultCandidates = 16
	mostCandidates    = 64
	defaultEta        = 2
	tuneRounds        = 6
	noRounds          = math.MaxInt32
)

// The verdicts of tune.
const (
	TuneUse          = "use"           // better than the default, shown
	TuneKeep         = "keep"          // no gain was shown
	TuneDefaultFails = "default_fails" // only others run
	TuneNoneRuns     = "none_runs"     // neither the default nor another runs
)

// The states of a candidate.
const (
	tuneMeasuring = "measuring"
	tuneKept      = "kept"
	tuneDropped   = "dropped"
	tuneFailed    = "failed"
)

// tune looks for settings that beat the default, by successive halving: each round measures all that are still in
// it eta times as often as the one before, and keeps one in eta. A block holds all of them once, in random order and
// with the same prompts, so that what drifts falls on all alike. The default is in every round. Who wins the rounds
// was lucky too, so that its figures in them prove nothing (the winner's curse): the last one is held against the
// default in pairs of their own, and these alone decide.
//
// K. Jamieson and A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
// AISTATS 2016, PMLR 51, 240-248.
type tune struct{}

func (tune) Plan(r domain.ExperimentRequest, e *domain.Experiment, bad *Refusals) {
	b := base(r, bad)
	if b.EndpointID != nil {
		bad.Add("body.benchmark.endpoint_id", "does not belong to tune, which changes the settings of the embedded engine")
	}
	d := or(r.Tune, domain.TuneDesign{})
	d.Candidates, d.Eta = new(or(d.Candidates, defaultCandidates)), new(or(d.Eta, defaultEta))
	d.Pairs, d.Metric = new(or(d.Pairs, DefaultPairs)), new(or(d.Metric, metricFor(b)))
	bad.Range("body.tune.candidates", float64(*d.Candidates), 2, mostCandidates)
	bad.Range("body.tune.eta", float64(*d.Eta), 2, 3)
	bad.Range("body.tune.rounds", float64(or(d.Rounds, 1)), 1, tuneRounds)
	bad.Range("body.tune.pairs", float64(*d.Pairs), compare.LeastPairs, MostPairs)
	if !slices.Contains(compare.Tested(), *d.Metric) {
		bad.Add("body.tune.metric", "must be one of %s", strings.Join(compare.Tested(), ", "))
	}
	checkSettings(d, bad)
	if len(*bad) > 0 {
		return
	}
	e.Design.Tune = &d
	if e.Arms = tuneCandidates(b, d, e.Seed); len(e.Arms) < 2 {
		bad.Add("body.tune.values", "must have a value that is not the default's")
	}
	if e.Name == "" {
		e.Name = b.ModelID
	}
}

// metricFor is what gets better for whoever uses it: the speed of one answer, or of all where several users wait.
func metricFor(b domain.BenchmarkRequest) string {
	if b.Load != nil && (b.Load.Open() || or(b.Load.Concurrency, 1) > 1) {
		return "output_tokens_per_second"
	}
	return "decode_tokens_per_second"
}

func checkSettings(d domain.TuneDesign, bad *Refusals) {
	for i, name := range d.Settings {
		if !slices.Contains(SettingNames(), name) {
			bad.Add(fmt.Sprintf("body.tune.settings[%d]", i), "must be one of %s", strings.Join(SettingNames(), ", "))
		}
	}
	v := or(d.Values, domain.TuneValues{})
	for _, list := range []struct {
		name      string
		values    []int
		low, high float64
	}{{"threads", v.Threads, 1, 1024}, {"batch_size", v.BatchSize, 1, 65536}, {"ubatch_size", v.UBatchSize, 1, 65536}, {"gpu_layers", v.GPULayers, 0, 999}} {
		for i, n := range list.values {
			bad.Range(fmt.Sprintf("body.tune.values.%s[%d]", list.name, i), float64(n), list.low, list.high)
		}
	}
	for _, list := range []struct {
		name         string
		values, from []string
	}{{"flash_attention", v.FlashAttention, []string{"on", "off", "auto"}}, {"cache_type_k", v.CacheTypeK, domain.CacheTypes()}, {"cache_type_v", v.CacheTypeV, domain.CacheTypes()}} {
		for i, word := range list.values {
			if !slices.Contains(list.from, word) {
				bad.Add(fmt.Sprintf("body.tune.values.%s[%d]", list.name, i), "must be one of %s", strings.Join(list.from, ", "))
			}
		}
	}
}

// bracket is a tune experiment as far as it has come.
type bracket struct {
	e      domain.Experiment
	d      domain.TuneDesign
	better string
	found  map[[2]int]domain.Run // by block and arm
	rounds []domain.TuneRound
	from   int   // the first block of the final
	best   int   // the arm that is in the final; 0 where none is left
	next   []int // who is in the round that is to come; nil when the rounds are over
	closed bool  // whether the rounds are over
}

func bracketOf(e domain.Experiment, runs []domain.Run) bracket {
	k := bracket{e: e, d: *e.Design.Tune, found: map[[2]int]domain.Run{}}
	_, k.better = compare.Unit(*k.d.Metric)
	for _, r := range runs {
		k.found[[2]int{r.Experiment.Block, r.Experiment.Arm}] = r
	}
	in := make([]int, len(e.Arms))
	for i := range in {
		in[i] = i
	}
	most := or(k.d.Rounds, noRounds)
	for times := firstTimes(len(in)); len(k.rounds) < most && len(challengers(in)) > 1 || len(k.rounds) == 0; times *= *k.d.Eta {
		if k.from >= len(e.Order) {
			k.next = in
			return k
		}
		if n := len(k.rounds); n > 0 {
			stand(k.rounds[n-1].Candidates, e.Order[k.from])
		}
		in = slices.Sorted(slices.Values(e.Order[k.from])) // what was decided then stands
		round := domain.TuneRound{Planned: times, Candidates: []domain.TuneCandidate{}}
		for range times {
			if k.from < len(e.Order) {
				round.Blocks = append(round.Blocks, k.from)
				k.from++
			}
		}
		in, round = k.judge(in, round, len(k.rounds)+1 >= most)
		k.rounds = append(k.rounds, round)
		if !round.Done {
			return k
		}
	}
	k.closed = true
	if k.from < len(e.Order) {
		in = e.Order[k.from]
		stand(k.rounds[len(k.rounds)-1].Candidates, in)
	}
	if left := challengers(in); len(left) > 0 {
		k.best = left[0]
	}
	return k
}

// stand makes a round tell who really went on, whatever was measured again since.
func stand(list []domain.TuneCandidate, in []int) {
	for i := range list {
		if c := &list[i]; c.State == tuneKept && !slices.Contains(in, c.Arm) {
			c.State = tuneDropped
		}
	}
}

// firstTimes is how often the first round measures each of so many: eight runs at least, so that few are not thrown out
// by one unlucky run each. A single challenger is in the final anyway.
func firstTimes(arms int) int {
	const least = 8
	if arms <= 2 {
		return 1
	}
	return (least + arms - 1) / arms
}

func challengers(in []int) []int {
	return slices.DeleteFunc(slices.Clone(in), func(arm int) bool { return arm == 0 })
}

// judge ranks those in a round over all blocks up to its last, and says who goes on: the default, and one in eta of
// the others, best first. Who failed is out.
func (k bracket) judge(in []int, round domain.TuneRound, last bool) ([]int, domain.TuneRound) {
	round.Done = len(round.Blocks) == round.Planned
	logs := map[int]map[int]float64{}
	for _, arm := range in {
		c, own, open := k.candidate(arm)
		round.Done = round.Done && !open
		logs[arm] = own
		c.Percent = k.gain(logs[0], own)
		round.Candidates = append(round.Candidates, c)
	}
	for i := range round.Candidates {
		if c := &round.Candidates[i]; c.Runs == 0 && round.Done {
			c.State, c.Reason = tuneFailed, cmp.Or(c.Reason, reasonOf(domain.Run{}))
		}
	}
	k.rank(round.Candidates)
	if !round.Done {
		return in, round
	}
	return k.choose(round.Candidates, last), round
}

// candidate is how an arm stands over all blocks so far, the logarithms of its figures by block, and whether a run of
// it is still to end.
func (k bracket) candidate(arm int) (c domain.TuneCandidate, logs map[int]float64, open bool) {
	c, logs = domain.TuneCandidate{Arm: arm, State: tuneMeasuring}, map[int]float64{}
	sum := 0.0
	for block := range k.from {
		r, there := k.found[[2]int{block, arm}]
		switch v := compare.Value(&r, *k.d.Metric); {
		case !there: // removed since, or given up
		case !r.Status.Ended():
			open = true
		case r.Status != domain.StatusCompleted || v == nil || *v <= 0:
			if c.Reason = reasonOf(r); arm != 0 { // the default is out only where it never runs
				c.State = tuneFailed
			}
		default:
			c.Runs++
			logs[block] = math.Log(*v)
			sum += logs[block]
		}
	}
	if c.Runs > 0 {
		c.Value = new(math.Exp(sum / float64(c.Runs)))
	}
	return c, logs, open
}

// choose marks who goes on from a round that is over, best first, and lists them.
func (k bracket) choose(list []domain.TuneCandidate, last bool) []int {
	fit := 0
	var next []int
	for _, c := range list {
		switch {
		case c.State == tuneFailed:
		case c.Arm == 0:
			next = append(next, 0)
		default:
			fit++
		}
	}
	keep := len(next) + max(1, fit / *k.d.Eta)
	if last {
		keep = len(next) + 1
	}
	for i := range list {
		switch c := &list[i]; {
		case c.State == tuneFailed:
		case c.Arm == 0:
			c.State = tuneKept
		case len(next) < keep:
			c.State, next = tuneKept, append(next, c.Arm)
		default:
			c.State = tuneDropped
		}
	}
	return next
}

// gain is how much better b is than a over the blocks that both have, in percent.
func (k bracket) gain(a, b map[int]float64) *float64 {
	sum, n := 0.0, 0
	for block, x := range b {
		if y, ok := a[block]; ok {
			sum += x - y
			n++
		}
	}
	if n == 0 {
		return nil
	}
	ratio := math.Exp(sum / float64(n))
	if k.better == "lower" {
		ratio = 1 / ratio
	}
	return new(100 * (ratio - 1))
}

// rank puts the best first. All who are still in a round have the same blocks, so that their means are of the same
// prompts and times. Who failed comes last.
func (k bracket) rank(list []domain.TuneCandidate) {
	score := func(c domain.TuneCandidate) float64 {
		switch {
		case c.State == tuneFailed || c.Value == nil:
			return math.Inf(-1)
		case k.better == "lower":
			return -*c.Value
		}
		return *c.Value
	}
	slices.SortStableFunc(list, func(a, b domain.TuneCandidate) int {
		switch x, y := score(a), score(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return a.Arm - b.Arm
	})
}

func reasonOf(r domain.Run) string {
	switch {
	case r.Error != nil && r.Error.Message != "":
		return r.Error.Message
	case r.Status == domain.StatusCompleted:
		return "The run has no such figure."
	}
	return "The run did not end."
}

// defaultFails reports whether the default never ran.
func (k bracket) defaultFails() bool {
	for _, round := range k.rounds {
		for _, c := range round.Candidates {
			if c.Arm == 0 && c.State == tuneFailed {
				return true
			}
		}
	}
	return false
}

func (tune) Next(e domain.Experiment, runs []domain.Run) Step {
	k := bracketOf(e, runs)
	switch {
	case k.next != nil:
		times := firstTimes(len(e.Arms))
		for range k.rounds {
			times *= *k.d.Eta
		}
		return Step{Blocks: shuffledBlocks(e, k.next, times)}
	case !k.closed || k.best == 0 || k.defaultFails() || len(e.Order) > k.from:
		return Step{End: &End{domain.StatusCompleted, Complete}}
	}
	return Step{Blocks: shuffledBlocks(e, []int{0, k.best}, *k.d.Pairs)}
}

// shuffledBlocks are blocks of arms, each in an order of its own.
func shuffledBlocks(e domain.Experiment, arms []int, times int) [][]int {
	var out [][]int
	for i := range times {
		var block []int
		for _, at := range Shuffled(e.Seed, len(e.Order)+i, len(arms)) {
			block = append(block, arms[at])
		}
		out = append(out, block)
	}
	return out
}

// Most counts the rounds as they are when nobody fails.
func (tune) Most(e domain.Experiment) int {
	d := *e.Design.Tune
	left, n, round := len(e.Arms)-1, 0, 0
	for times := firstTimes(len(e.Arms)); round == 0 || left > 1 && round < or(d.Rounds, noRounds); times *= *d.Eta {
		n += times * (left + 1)
		left = max(1, left / *d.Eta)
		round++
	}
	return n + 2**d.Pairs
}

func (tune) Result(e *domain.Experiment, runs []domain.Run) {
	k := bracketOf(*e, runs)
	unit, better := compare.Unit(*k.d.Metric)
	out := &domain.TuneResult{Metric: *k.d.Metric, Unit: unit, Better: better, Rounds: append([]domain.TuneRound{}, k.rounds...), Worse: []string{}}
	if k.best > 0 {
		out.Best = new(k.best)
		out.Answers = changesAnswers(e.Arms[0], e.Arms[k.best])
		final := *e
		var own []domain.Run
		for _, r := range runs {
			if r.Experiment.Block >= k.from {
				own = append(own, r)
			}
		}
		out.Final = Compared(final, own, []int{0, k.best})
	}
	k.conclude(out)
	out.Sentence = k.sentence(*out)
	e.Tune = out
}

// conclude draws the verdict when nothing more is to come.
func (k bracket) conclude(out *domain.TuneResult) {
	if k.e.Ended == nil || k.e.Ended.Status == domain.StatusCanceled || k.e.Ended.Reason == "cannot_plan" {
		return
	}
	fails := k.defaultFails()
	switch f := k.effect(out.Final); {
	case fails && k.best == 0, k.e.Ended.Reason == RunsFailed:
		out.Verdict = TuneNoneRuns
	case fails:
		out.Verdict = TuneDefaultFails
	case f != nil && f.Verdict == compare.Better:
		out.Verdict = TuneUse
	default:
		out.Verdict = TuneKeep
	}
	if out.Verdict != TuneUse && out.Verdict != TuneDefaultFails {
		return
	}
	out.Settings = new(or(k.e.Arms[k.best].Benchmark.EngineOptions, domain.EngineOptions{}))
	if out.Final == nil {
		return
	}
	for _, m := range out.Final.Metrics {
		if f := m.Values[1].Effect; f != nil && f.Verdict == compare.Worse {
			out.Worse = append(out.Worse, m.Key)
		}
	}
}

// effect is that of the best against the default in what was to get better; nil before the final has pairs.
func (k bracket) effect(c *domain.Comparison) *domain.Effect {
	if c == nil {
		return nil
	}
	for _, m := range c.Metrics {
		if m.Key == *k.d.Metric {
			return m.Values[1].Effect
		}
	}
	return nil
}

func (k bracket) sentence(out domain.TuneResult) string {
	switch out.Verdict {
	case TuneNoneRuns:
		return "Neither the default settings nor any other ran."
	case TuneDefaultFails:
		return fmt.Sprintf("The default settings do not run; of those that do, %s is best.", k.e.Arms[k.best].Name)
	case "":
		if len(k.rounds) == 0 {
			return ""
		}
		in := len(k.rounds[len(k.rounds)-1].Candidates)
		if k.best > 0 && !k.defaultFails() {
			return fmt.Sprintf("The final: %s against the default.", k.e.Arms[k.best].Name)
		}
		return fmt.Sprintf("Round %d: %d sets of settings.", len(k.rounds), in)
	}
	f := k.effect(out.Final)
	if f == nil || f.Interval == nil {
		return "No significant gain: keep the defaults."
	}
	low, high, ratio := f.Interval[0], f.Interval[1], f.Ratio
	if k.better == "lower" {
		low, high, ratio = 1/high, 1/low, 1/ratio
	}
	percent := func(r float64) string { return fmt.Sprintf("%+.1f %%", 100*(r-1)) }
	if out.Verdict == TuneKeep {
		return fmt.Sprintf("No significant gain: keep the defaults. The best of the others: %s, from %s to %s.", percent(ratio), percent(low), percent(high))
	}
	return fmt.Sprintf("Use %s: %s, from %s to %s.", k.e.Arms[k.best].Name, percent(ratio), percent(low), percent(high))
}
