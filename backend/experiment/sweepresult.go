package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/compare"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats/infer"
)

// The verdicts on a cell.
const (
	bestCell = "best"
	tied     = "tied"
	worse    = "worse"
	unknown  = "unknown"
	noFigure = "none"
)

// Result tells how the cells stand, from whatever runs there are.
func (sweep) Result(e *domain.Experiment, runs []domain.Run) {
	d := *e.Design.Sweep
	r := &domain.SweepResult{Metric: *d.Metric, Settings: sweptBy(d), Metrics: []domain.SweepMetric{}, LeftOut: leftOut(*e),
		Objectives: []domain.SweepObjective{}, Edges: []domain.SweepEdge{}}
	r.Cells = cellsOf(*e, r.Settings, runs)
	for _, key := range compare.Metrics() {
		if slices.ContainsFunc(runs, func(run domain.Run) bool { return figure(run, key) != nil }) {
			unit, better := compare.Unit(key)
			r.Metrics = append(r.Metrics, domain.SweepMetric{Key: key, Unit: unit, Better: better})
		}
	}
	for _, m := range r.Metrics {
		addMetric(r, rowsOf(*e, runs, m.Key))
	}
	rank(r, *e, runs)
	weigh(r, d.Weights, e.MinEffectPercent)
	r.Sentence = sweepSentence(*e, *r)
	e.Sweep = r
}

func figure(r domain.Run, key string) *float64 {
	if r.Status != domain.StatusCompleted {
		return nil
	}
	return compare.Value(&r, key)
}

// cellsOf are the cells with the state of their runs.
func cellsOf(e domain.Experiment, swept []string, runs []domain.Run) []domain.SweepCell {
	cells := make([]domain.SweepCell, len(e.Arms))
	for i, a := range e.Arms {
		cells[i] = domain.SweepCell{Settings: settingsOf(a.Benchmark, swept), Status: domain.StatusInterrupted, Verdict: noFigure, Runs: []domain.RunID{}, Values: []domain.SweepValue{}}
		for block, order := range e.Order {
			if slices.Contains(order, i) {
				cells[i].Round = block / *e.Design.Sweep.Repeats
				break
			}
		}
	}
	// What is under way is said first, then what there is.
	order := []domain.Status{domain.StatusInterrupted, domain.StatusCanceled, domain.StatusFailed, domain.StatusCompleted, domain.StatusQueued, domain.StatusRunning}
	for i := range runs {
		arm := runs[i].Experiment.Arm
		if arm >= len(cells) {
			continue
		}
		c := &cells[arm]
		c.Runs = append(c.Runs, runs[i].ID)
		if slices.Index(order, runs[i].Status) >= slices.Index(order, c.Status) {
			c.Status = runs[i].Status
		}
		if runs[i].Status == domain.StatusFailed && runs[i].Error != nil {
			c.Reason = runs[i].Error.Message
		}
	}
	for i := range cells {
		if cells[i].Status != domain.StatusFailed {
			cells[i].Reason = ""
		}
	}
	return cells
}

// rowsOf are the values of a figure, a row for each block; NaN where there is none.
func rowsOf(e domain.Experiment, runs []domain.Run, key string) [][]float64 {
	rows := make([][]float64, len(e.Order))
	for b := range rows {
		rows[b] = make([]float64, len(e.Arms))
		for i := range rows[b] {
			rows[b][i] = math.NaN()
		}
	}
	for _, run := range runs {
		p := run.Experiment
		if v := figure(run, key); v != nil && p.Block < len(rows) && p.Arm < len(e.Arms) {
			rows[p.Block][p.Arm] = *v
		}
	}
	return rows
}

// addMetric gives each cell its mean over the blocks. The interval rests on the spread of all cells taken together: of the
// few runs of one cell alone it would be several times as wide.
func addMetric(r *domain.SweepResult, rows [][]float64) {
	sd, df, told := infer.BlockSpread(rows)
	for i := range r.Cells {
		var v domain.SweepValue
		sum := 0.0
		for _, row := range rows {
			if !math.IsNaN(row[i]) {
				v.N, sum = v.N+1, sum+row[i]
			}
		}
		if v.N > 0 {
			v.Mean = new(sum / float64(v.N))
		}
		if v.N > 0 && told && *v.Mean > 0 {
			in := infer.SpreadInterval(*v.Mean, v.N, sd, df, compare.Confidence)
			v.Interval = &domain.Interval{in.Low, in.High}
		}
		r.Cells[i].Values = append(r.Cells[i].Values, v)
	}
}

// rank finds the best cell in the deciding figure and holds all others against it.
func rank(r *domain.SweepResult, e domain.Experiment, runs []domain.Run) {
	rows := rowsOf(e, runs, r.Metric)
	blocks, ok := infer.NewBlocks(rows, compare.Confidence)
	_, higher := compare.Unit(r.Metric)
	level := func(i int) float64 {
		l := math.NaN()
		if ok {
			l = blocks.Level(i)
		} else if v := meanOf(*r, i, r.Metric); v != nil { // one cell alone
			l = *v
		}
		if higher == "lower" {
			return -l
		}
		return l
	}
	for i := range r.Cells {
		if l := level(i); !math.IsNaN(l) {
			r.Cells[i].Verdict = unknown
			if r.Best == nil || l > level(*r.Best)+1e-9 { // of equal ones the first, whatever rounding does
				r.Best = new(i)
			}
		}
	}
	if r.Best == nil {
		return
	}
	if ok {
		judgeCells(r, blocks, e.MinEffectPercent)
	}
	if sd, _, told := infer.BlockSpread(rows); told {
		r.SpreadPercent = new(100 * math.Expm1(sd))
	}
	best := &r.Cells[*r.Best]
	best.Verdict, best.Interval, best.P = bestCell, nil, nil
	r.Edges = edgesOf(*r)
}

func judgeCells(r *domain.SweepResult, blocks infer.Blocks, minEffect float64) {
	for i := range r.Cells {
		if ratio, ok := blocks.Ratio(*r.Best, i); ok {
			judgeCell(&r.Cells[i], ratio, math.Log1p(minEffect/100))
		}
	}
}

// judgeCell calls a cell worse where it is shown to be, and by what matters.
func judgeCell(c *domain.SweepCell, ratio infer.Ratio, margin float64) {
	c.Ratio = &ratio.Ratio
	if math.IsNaN(ratio.P) {
		return
	}
	c.P, c.Interval = &ratio.P, &domain.Interval{ratio.Interval.Low, ratio.Interval.High}
	c.Verdict = tied
	if ratio.P < 1-compare.Confidence && math.Abs(math.Log(ratio.Ratio)) > margin {
		c.Verdict = worse
	}
}

func meanOf(r domain.SweepResult, cell int, key string) *float64 {
	i := slices.IndexFunc(r.Metrics, func(m domain.SweepMetric) bool { return m.Key == key })
	if i < 0 {
		return nil
	}
	return r.Cells[cell].Values[i].Mean
}

// edgesOf are the axes at whose end the best value lies, where the next value inwards is shown to be worse: what lies
// beyond may be better still.
func edgesOf(r domain.SweepResult) []domain.SweepEdge {
	out := []domain.SweepEdge{}
	best := r.Cells[*r.Best].Settings
	for _, name := range r.Settings {
		s, _ := settingOf(name)
		if !s.numeric() || *s.number(&best) == nil {
			continue
		}
		lower, upper := neighbours(s, **s.number(&best), r, best)
		inner, end := lower, "highest"
		if lower == nil {
			inner, end = upper, "lowest"
		}
		if at := **s.number(&best); inner == nil || lower != nil && upper != nil || at == s.low || at == s.high {
			continue
		}
		v := best
		*s.number(&v) = inner
		i := slices.IndexFunc(r.Cells, func(c domain.SweepCell) bool { return keyOf(c.Settings) == keyOf(v) })
		if i >= 0 && r.Cells[i].Verdict == worse {
			out = append(out, domain.SweepEdge{Setting: name, End: end})
		}
	}
	return out
}

// WantsQuality reports whether the cells of a sweep may differ in quality by what is known of their models: models are
// varied, and nothing beside them that changes answers without the measurement of the model knowing.
func WantsQuality(e domain.Experiment) bool {
	return e.Sweep != nil && slices.Contains(e.Sweep.Settings, modelID) &&
		!slices.ContainsFunc(e.Sweep.Settings, func(name string) bool { return strings.HasPrefix(name, cacheType) })
}

// AddQuality gives each cell the quality of its model, where that is known, and weighs the cells anew.
func AddQuality(e *domain.Experiment, of map[string]float64) {
	for i := range e.Sweep.Cells {
		if v, ok := of[e.Arms[i].Benchmark.ModelID]; ok {
			e.Sweep.Cells[i].Quality = &v
		}
	}
	e.Sweep.Objectives, e.Sweep.Pick = []domain.SweepObjective{}, nil
	weigh(e.Sweep, e.Design.Sweep.Weights, e.MinEffectPercent)
}

func weightsOf(w *domain.SweepWeights) *domain.SweepWeights {
	in := or(w, domain.SweepWeights{})
	return &domain.SweepWeights{Speed: new(or(in.Speed, 1)), Quality: new(or(in.Quality, 1)), Memory: new(or(in.Memory, 1)), Energy: new(or(in.Energy, 1))}
}

func checkWeights(w domain.SweepWeights, bad *Refusals) {
	for name, v := range map[string]*float64{"speed": w.Speed, "quality": w.Quality, "memory": w.Memory, "energy": w.Energy} {
		bad.Range("body.sweep.weights."+name, *v, 0, 100)
	}
}

// weigh fills front, scores and pick. An objective that no cell has a figure of is left out.
func weigh(r *domain.SweepResult, w *domain.SweepWeights, minEffect float64) {
	memory := "peak_ram_gb"
	for i := range r.Cells {
		if v := meanOf(*r, i, "peak_vram_gb"); v != nil && *v > 0 {
			memory = "peak_vram_gb"
		}
	}
	_, better := compare.Unit(r.Metric)
	points := make([]point, len(r.Cells))
	var weights []float64
	for _, o := range []domain.SweepObjective{{Name: "speed", Key: r.Metric, Better: better, Weight: *w.Speed}, {Name: "quality", Key: "quality", Better: "higher", Weight: *w.Quality},
		{Name: "memory", Key: memory, Better: "lower", Weight: *w.Memory}, {Name: "energy", Key: "j_per_token", Better: "lower", Weight: *w.Energy}} {
		column, any := make([]float64, len(r.Cells)), false
		for i := range r.Cells {
			v := r.Cells[i].Quality
			if o.Key != "quality" {
				v = meanOf(*r, i, o.Key)
			}
			column[i] = math.NaN()
			if v != nil {
				column[i], any = math.Log(max(*v, 1e-9)), true
				if o.Better == "lower" {
					column[i] = -column[i]
				}
			}
		}
		if !any {
			continue
		}
		r.Objectives, weights = append(r.Objectives, o), append(weights, o.Weight)
		for i := range points {
			points[i] = append(points[i], column[i])
		}
	}
	score := scores(points, weights)
	for i, on := range front(points, math.Log1p(minEffect/100)) {
		c := &r.Cells[i]
		c.Score = nil
		if c.Front = on; !math.IsNaN(score[i]) {
			c.Score = new(score[i])
		}
		if on && c.Score != nil && (r.Pick == nil || *c.Score > *r.Cells[*r.Pick].Score) {
			r.Pick = new(i)
		}
	}
}

// sweepSentence says which cell is best, and of how many that cannot be told.
func sweepSentence(e domain.Experiment, r domain.SweepResult) string {
	if r.Best == nil {
		return ""
	}
	count := map[string]int{}
	next := 0.0
	_, higher := compare.Unit(r.Metric)
	for _, c := range r.Cells {
		count[c.Verdict]++
		if c.Ratio == nil || c.Verdict == bestCell {
			continue
		}
		if lead := math.Abs(math.Log(*c.Ratio)); next == 0 || lead < next {
			next = lead
		}
	}
	unit, _ := compare.Unit(r.Metric)
	name, value := e.Arms[*r.Best].Name, fmt.Sprintf("%.4g %s", *meanOf(r, *r.Best, r.Metric), unit)
	all := len(r.Cells) - count[noFigure]
	percent := 100 * math.Expm1(next)
	if higher == "lower" {
		percent = 100 * (1 - math.Exp(-next))
	}
	switch {
	case all == 1:
		return fmt.Sprintf("%s has %s; no other cell has a figure to hold against it.", name, value)
	case count[unknown] > 0:
		return fmt.Sprintf("%s has the best mean so far, %s; one run a cell cannot tell that from chance.", name, value)
	case count[worse] == 0:
		return fmt.Sprintf("No difference is shown between the %d cells; %s has the best mean, %s.", all, name, value)
	case count[tied] == 0:
		return fmt.Sprintf("%s is best: %s, %.1f %% ahead of the next.", name, value, percent)
	}
	return fmt.Sprintf("%s is best: %s; %d of the %d others cannot be told from it.", name, value, count[tied], all-1)
}
