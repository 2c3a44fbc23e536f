package stats

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"

	"github.com/inferometer/inferometer/backend/domain"
)

// Limits of what energy can be told from.
const (
	leastEnergyS  = 5.0       // shorter windows rest on too few updates of a meter
	leastBatteryS = 60.0      // a battery's gauge moves slowly
	leastIdleUs   = 800_000   // of the baseline
	leastIdle     = 3         // readings of the baseline
	noiseFactor   = 3.0       // net energy below so many times the noise is not told from nothing
	boardAverage  = 1_000_000 // µs: a board's power may be the mean of the last second
)

// meter is one way to read energy: a counter in J where there is one, else power in W.
type meter struct {
	scope     string
	counter   gauge
	power     gauge
	leastS    float64
	gapUs     int64 // power readings further apart are not integrated over
	averageUs int64 // a power reading may be the mean of so long a time
	missing   string
}

// gauge is what a meter shows over a run: energy in J since some moment, or power in W.
type gauge func([]domain.Sample) []point

// meters are the meters that can tell of the run. A meter that cannot is listed with the reason.
func meters(in Input) []meter {
	if elsewhere(in) {
		return farMeters()
	}
	gpus := gpuMeter(in)
	cpu := meter{scope: domain.ScopeCPUPackage, leastS: leastEnergyS, gapUs: limitSampleGapMs * 1000,
		counter: here(func(s *domain.Sample) *float64 { return s.CPUEnergyJ }), power: nothing,
		missing: reason("cpu_energy_j", in.Sensors)}
	out := []meter{gpus, cpu}
	battery := meter{scope: domain.ScopeSystemBattery, leastS: leastBatteryS, gapUs: 10 * limitSampleGapMs * 1000,
		counter: nothing, power: here(func(s *domain.Sample) *float64 { return s.BatteryPowerW })}
	if slices.ContainsFunc(in.Samples, func(s domain.Sample) bool { return s.BatteryPowerW != nil }) {
		out = append(out, battery)
	}
	return out
}

func nothing([]domain.Sample) []point { return nil }

// gpuMeter adds up the boards in use: the one the plan names, else all. A sum that misses a board is
// no sum.
func gpuMeter(in Input) meter {
	sum := func(get func(domain.GPUSample) *float64) gauge {
		return here(func(s *domain.Sample) *float64 {
			total, n := 0.0, 0
			for _, g := range s.GPUs {
				if in.Plan.GPU != nil && g.Index != *in.Plan.GPU {
					continue
				}
				v := get(g)
				if v == nil {
					return nil
				}
				total, n = total+*v, n+1
			}
			if n == 0 {
				return nil
			}
			return &total
		})
	}
	m := meter{scope: domain.ScopeGPUBoard, leastS: leastEnergyS, gapUs: limitSampleGapMs * 1000,
		averageUs: boardAverage, missing: reason("power_w", in.Sensors),
		counter: sum(func(g domain.GPUSample) *float64 { return g.EnergyJ }),
		power:   sum(boardPower)}
	if slices.ContainsFunc(in.Samples, func(s domain.Sample) bool {
		return slices.ContainsFunc(s.GPUs, func(g domain.GPUSample) bool { return g.PowerNowW != nil })
	}) {
		m.averageUs = 0
	}
	if used := in.Engine.GPUUsed; used != nil && !*used {
		m.counter, m.power, m.missing = nothing, nothing, "The run used no GPU."
	}
	return m
}

func boardPower(g domain.GPUSample) *float64 {
	if g.PowerNowW != nil {
		return g.PowerNowW
	}
	return g.PowerW
}

// elsewhere reports whether the engine answers from another machine.
func elsewhere(in Input) bool {
	u, err := url.Parse(in.Engine.Source)
	if in.Plan.EndpointID == nil || err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// point is one reading of a meter.
type point struct {
	us int64
	v  float64
}

// here is a sensor of this machine.
func here(get func(*domain.Sample) *float64) gauge {
	return func(samples []domain.Sample) []point {
		var out []point
		for i := range samples {
			if v := get(&samples[i]); v != nil {
				out = append(out, point{samples[i].TUs, *v})
			}
		}
		return byTime(out)
	}
}

func byTime(ps []point) []point {
	slices.SortStableFunc(ps, func(a, b point) int { return cmp.Compare(a.us, b.us) })
	return ps
}

// span is a stretch of the run, in µs from its start.
type span struct{ from, to int64 }

func (s span) seconds() float64 { return float64(s.to-s.from) / 1e6 }

// shared is how many seconds of the span lie within others, which do not overlap each other.
func (s span) shared(others []span) float64 {
	seconds := 0.0
	for _, o := range others {
		seconds += max(0, span{max(s.from, o.from), min(s.to, o.to)}.seconds())
	}
	return seconds
}

// without is what is left of the span when others are cut out, which come one after the other.
func (s span) without(others []span) []span {
	var out []span
	for _, o := range others {
		if o.from >= s.to || o.to <= s.from {
			continue
		}
		if o.from > s.from {
			out = append(out, span{s.from, o.from})
		}
		s.from = o.to
	}
	if s.to > s.from {
		out = append(out, s)
	}
	return out
}

// cut returns the readings from one end of the span to the other, with the value at both ends put
// in between its neighbours; looseUs is how far those lie apart. An end that no reading closes
// within edgeUs cannot be told.
func cut(ps []point, s span) (out []point, looseUs int64, ok bool) {
	first, loose, ok1 := valueAt(ps, s.from)
	last, more, ok2 := valueAt(ps, s.to)
	if !ok1 || !ok2 {
		return nil, 0, false
	}
	out = append(out, first)
	for _, p := range ps {
		if p.us > s.from && p.us < s.to {
			out = append(out, p)
		}
	}
	return append(out, last), loose + more, true
}

func valueAt(ps []point, us int64) (p point, looseUs int64, ok bool) {
	i, found := slices.BinarySearchFunc(ps, us, func(p point, us int64) int { return cmp.Compare(p.us, us) })
	switch {
	case found:
		return ps[i], 0, true
	case i > 0 && i < len(ps):
		a, b := ps[i-1], ps[i]
		share := float64(us-a.us) / float64(b.us-a.us)
		return point{us, a.v + share*(b.v-a.v)}, b.us - a.us, true
	case i == 0 && len(ps) > 0 && ps[0].us-us <= edgeUs:
		return point{us, ps[0].v}, ps[0].us - us, true
	case i > 0 && us-ps[i-1].us <= edgeUs:
		return point{us, ps[i-1].v}, us - ps[i-1].us, true
	}
	return point{}, 0, false
}

// series are the readings of one meter over the whole run.
type series struct {
	meter
	joules, watts []point
}

// counted is the energy of a span by the counter. A counter that falls or stands still is broken.
func (m series) counted(s span) (joules float64, looseUs int64, ok bool) {
	ps, loose, ok := cut(m.joules, s)
	if !ok {
		return 0, 0, false
	}
	for i := 1; i < len(ps); i++ {
		if ps[i].v < ps[i-1].v {
			return 0, 0, false
		}
	}
	joules = ps[len(ps)-1].v - ps[0].v
	return joules, loose / 2, joules > 0
}

// integrated is the energy of a span by trapezoids over the power.
func (m series) integrated(s span) (joules float64, looseUs int64, ok bool) {
	ps, loose, ok := cut(m.watts, s)
	if !ok {
		return 0, 0, false
	}
	for i := 1; i < len(ps); i++ {
		gap := ps[i].us - ps[i-1].us
		if gap > m.gapUs {
			return 0, 0, false
		}
		joules += (ps[i].v + ps[i-1].v) / 2 * float64(gap) / 1e6
	}
	return joules, loose/2 + m.averageUs, true
}

// over is the energy of several spans together, by the counter if it tells of all of them.
func (m series) over(spans []span) (joules float64, looseUs int64, method string) {
	for _, way := range []struct {
		method string
		read   func(span) (float64, int64, bool)
	}{{domain.EnergyByCounter, m.counted}, {domain.EnergyByIntegral, m.integrated}} {
		joules, looseUs = 0, 0
		all := len(spans) > 0
		for _, s := range spans {
			j, loose, ok := way.read(s)
			joules, looseUs, all = joules+j, looseUs+loose, all && ok
		}
		if all {
			return joules, looseUs, way.method
		}
	}
	return 0, 0, ""
}

// baseline is the power at rest before the first request, and its standard deviation; nil without
// enough readings. The time after the model was loaded comes before that before the run.
func (m series) baseline(rest []span) (idleW, sd *float64) {
	for _, s := range rest {
		if s.to-s.from < leastIdleUs {
			continue
		}
		joules, _, method := m.over([]span{s})
		watts := m.watts
		if len(watts) < leastIdle {
			watts = slopes(m.joules)
		}
		var values []float64
		for _, p := range watts {
			if p.us >= s.from && p.us <= s.to {
				values = append(values, p.v)
			}
		}
		if method == "" || len(values) < leastIdle {
			continue
		}
		mid, squares := value(mean(values)), 0.0
		for _, v := range values {
			squares += (v - mid) * (v - mid)
		}
		return new(joules / s.seconds()), new(math.Sqrt(squares / float64(len(values)-1)))
	}
	return nil, nil
}

// slopes is the power between the readings of a counter.
func slopes(joules []point) []point {
	var out []point
	for i := 1; i < len(joules); i++ {
		if us := joules[i].us - joules[i-1].us; us > 0 {
			out = append(out, point{joules[i].us, (joules[i].v - joules[i-1].v) / float64(us) * 1e6})
		}
	}
	return out
}

// restingSpans are when nothing was asked of the engine: while the run settled, and before it.
func restingSpans(samples []domain.Sample) []span {
	settle, before := span{math.MaxInt64, math.MinInt64}, span{math.MaxInt64, math.MinInt64}
	for i := range samples {
		s := &samples[i]
		at := &settle
		switch {
		case s.TUs < 0:
			at = &before
		case s.Phase != domain.PhaseSettle:
			continue
		}
		at.from, at.to = min(at.from, s.TUs), max(at.to, s.TUs)
	}
	var out []span
	for _, s := range []span{settle, before} {
		if s.to > s.from {
			out = append(out, s)
		}
	}
	return out
}

// addEnergy fills in the energy of each stage and of the whole.
func addEnergy(in Input, parts []part, summary *domain.Summary) {
	rest := restingSpans(in.Samples)
	var all []span
	measured := make([][]span, len(parts))
	for i, p := range parts {
		if p.seconds > 0 {
			measured[i] = span{p.timing.from, p.timing.to}.without(p.rests)
			all = append(all, measured[i]...)
		}
	}
	if len(all) == 0 {
		return
	}
	summary.Energy = &domain.Energy{Scopes: []domain.EnergyScope{}}
	for _, m := range meters(in) {
		one := series{m, m.counter(in.Samples), m.power(in.Samples)}
		for i := range parts {
			if f := summary.Stages[i].Summary; f != nil && measured[i] != nil {
				if f.Energy == nil {
					f.Energy = &domain.Energy{Scopes: []domain.EnergyScope{}}
				}
				f.Energy.Scopes = append(f.Energy.Scopes, one.figures(measured[i], rest, f, in.Prices))
			}
		}
		summary.Energy.Scopes = append(summary.Energy.Scopes, one.figures(all, rest, &summary.Figures, in.Prices))
	}
}

// figures are the energy of some windows with what follows from it.
func (m series) figures(windows, rest []span, f *domain.Figures, price domain.EnergyPrices) domain.EnergyScope {
	seconds := 0.0
	for _, w := range windows {
		seconds += w.seconds()
	}
	e := domain.EnergyScope{Scope: m.scope, WindowS: &seconds}
	joules, looseUs, method := m.over(windows)
	switch {
	case len(m.joules) == 0 && len(m.watts) == 0:
		e.Reason = m.missing
	case seconds < m.leastS:
		e.Reason = fmt.Sprintf("Measuring took %.1f s; energy needs %.0f s at least.", seconds, m.leastS)
	case method == "":
		e.Reason = "The meter fell silent while measuring."
	}
	if e.Reason != "" {
		e.NetReason = e.Reason
		return e
	}
	e.Method, e.GrossJ, e.MeanW = method, &joules, new(joules/seconds)
	e.UncertaintyPercent = new(100 * float64(looseUs) / 1e6 / seconds)
	e.Wh = new(joules / 3600)
	if price.PerKWh > 0 {
		e.Cost, e.Currency = new(*e.Wh/1000*price.PerKWh), price.Currency
	}
	if price.CO2GPerKWh > 0 {
		e.CO2G = new(*e.Wh / 1000 * price.CO2GPerKWh)
	}
	tokens := float64(f.Tokens.Output)
	if tokens > 0 {
		e.JPerToken = new(joules / tokens)
	}
	if tokens > 0 && joules > 0 {
		e.TokensPerJ = new(tokens / joules)
	}
	if f.Requests.OK > 0 {
		e.JPerRequest = new(joules / float64(f.Requests.OK))
	}
	m.net(&e, rest, tokens)
	return e
}

// net takes off what the machine draws at rest.
func (m series) net(e *domain.EnergyScope, rest []span, tokens float64) {
	idle, sd := m.baseline(rest)
	if idle == nil {
		e.NetReason = "There is no idle baseline: the machine was not read at rest before the run."
		return
	}
	e.IdleW, e.NoiseJ = idle, new(*sd**e.WindowS)
	net := *e.GrossJ - *idle**e.WindowS
	if net <= 0 || net < noiseFactor**e.NoiseJ {
		e.BelowResolution = true
		e.NetReason = "Below resolution: the run drew hardly more than the machine at rest."
		return
	}
	e.NetJ = &net
	if tokens > 0 {
		e.NetJPerToken = new(net / tokens)
	}
}
