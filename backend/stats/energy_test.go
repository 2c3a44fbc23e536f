package stats

import (
	"math"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// curve is a power that steps between 100 and 300 W every 300 ms from the start of measuring on, and
// rests at 40 W, give or take 1, before it.
func curve(us int64) float64 {
	switch step := us / 300_000; {
	case us < 0 && us/100_000%2 == 0:
		return 41
	case us < 0:
		return 39
	case step%2 == 0:
		return 100
	}
	return 300
}

// integral is the exact energy of the curve from -2 s on, in J.
func integral(us int64) float64 {
	const stepUs = 1000
	sum := 0.0
	for t := int64(-2_000_000); t < us; t += stepUs {
		sum += curve(t) * stepUs / 1e6
	}
	return sum
}

// metered is a run of seconds with readings every 100 ms, of one GPU and one package.
func metered(seconds int64) Input {
	in := Input{Plan: plan(), Phases: []domain.PhaseChange{{Phase: domain.PhaseMeasure}, {Phase: domain.PhaseDrain, TUs: seconds * 1e6}}}
	for n := range seconds * 2 {
		in.Requests = append(in.Requests, req(int(n), n*500, 100, 200, 300, 500))
	}
	for us := int64(-2_000_000); us <= seconds*1e6; us += 100_000 {
		s := domain.Sample{TUs: us, Phase: domain.PhaseMeasure, CPUEnergyJ: new(integral(us) / 2),
			GPUs: []domain.GPUSample{{PowerW: new(curve(us)), EnergyJ: new(integral(us))}}}
		if us < 0 {
			s.Phase = domain.PhaseIdle
		}
		in.Samples = append(in.Samples, s)
	}
	return in
}

func each100ms(in *Input, change func(us int64, s *domain.Sample)) Input {
	for i := range in.Samples {
		change(in.Samples[i].TUs, &in.Samples[i])
	}
	return *in
}

func scope(t *testing.T, in Input, name string) domain.EnergyScope {
	t.Helper()
	rep := Report(in)
	if rep.Summary.Energy == nil {
		t.Fatal("no energy")
	}
	for _, s := range rep.Summary.Energy.Scopes {
		if s.Scope == name {
			return s
		}
	}
	t.Fatalf("no scope %s in %+v", name, rep.Summary.Energy)
	return domain.EnergyScope{}
}

func within(t *testing.T, what string, got *float64, want, percent float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > math.Abs(want)*percent/100 {
		t.Errorf("%s = %v, want %v ± %v %%", what, value(got), want, percent)
	}
}

func TestEnergyByCounter(t *testing.T) {
	in := metered(12)
	in.Prices = domain.EnergyPrices{PerKWh: 0.3, Currency: "EUR", CO2GPerKWh: 400}
	want := integral(12_000_000) - integral(0) // 200 W on average
	g := scope(t, in, domain.ScopeGPUBoard)
	within(t, "gross", g.GrossJ, want, .1)
	within(t, "mean power", g.MeanW, 200, .1)
	within(t, "idle power", g.IdleW, 40, 3)
	within(t, "net", g.NetJ, want-40*12, 1)
	within(t, "J/token", g.JPerToken, want/96, .1) // 24 requests of 4 tokens
	within(t, "tokens/J", g.TokensPerJ, 96/want, .1)
	within(t, "J/request", g.JPerRequest, want/24, .1)
	within(t, "Wh", g.Wh, want/3600, .1)
	within(t, "cost", g.Cost, want/3.6e6*.3, .1)
	within(t, "CO2", g.CO2G, want/3.6e6*400, .1)
	if g.Method != domain.EnergyByCounter || g.Currency != "EUR" || g.BelowResolution || g.Reason+g.NetReason != "" {
		t.Errorf("%+v", g)
	}
	within(t, "package", scope(t, in, domain.ScopeCPUPackage).GrossJ, want/2, .1)
	in.Prices = domain.EnergyPrices{}
	if g = scope(t, in, domain.ScopeGPUBoard); g.Cost != nil || g.CO2G != nil || g.Currency != "" {
		t.Errorf("priced without a tariff: %+v", g)
	}
}

func TestEnergyByIntegral(t *testing.T) {
	want := integral(12_000_000) - integral(0)
	for name, c := range map[string]struct {
		change func(us int64, s *domain.Sample)
		method string
		reason string
	}{
		"no counter":      {func(_ int64, s *domain.Sample) { s.GPUs[0].EnergyJ = nil }, domain.EnergyByIntegral, ""},
		"counter at rest": {func(_ int64, s *domain.Sample) { s.GPUs[0].EnergyJ = new(7.0) }, domain.EnergyByIntegral, ""},
		"counter falls": {func(us int64, s *domain.Sample) {
			if us > 6_000_000 {
				*s.GPUs[0].EnergyJ -= 1000
			}
		}, domain.EnergyByIntegral, ""},
		"a gap and a counter": {func(us int64, s *domain.Sample) {
			if us > 3_000_000 && us < 7_000_000 {
				s.GPUs = nil
			}
		}, domain.EnergyByCounter, ""},
		"a gap and no counter": {func(us int64, s *domain.Sample) {
			s.GPUs[0].EnergyJ = nil
			if us > 3_000_000 && us < 7_000_000 {
				s.GPUs = nil
			}
		}, "", "The meter fell silent while measuring."},
		"GPU lost": {func(us int64, s *domain.Sample) {
			if us > 6_000_000 {
				s.GPUs[0] = domain.GPUSample{}
			}
		}, "", "The meter fell silent while measuring."},
	} {
		in := metered(12)
		g := scope(t, each100ms(&in, c.change), domain.ScopeGPUBoard)
		if g.Method != c.method || g.Reason != c.reason || (g.GrossJ == nil) != (c.reason != "") {
			t.Errorf("%s: %+v", name, g)
		} else if g.GrossJ != nil {
			within(t, name, g.GrossJ, want, 2)
		}
	}
}

func TestEnergyRefused(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		in     Input
		scope  string
		reason string
	}{
		"short":     {metered(4), domain.ScopeGPUBoard, "energy needs 5 s"},
		"no meter":  {Input{Requests: five(nil), Sensors: []domain.SensorInfo{{Key: "cpu_energy_j", Reason: "Not permitted."}}}, domain.ScopeCPUPackage, "Not permitted."},
		"CPU alone": {func() Input { in := metered(6); in.Engine.GPUUsed = &no; return in }(), domain.ScopeGPUBoard, "no GPU"},
		"far engine": {func() Input {
			in := metered(6)
			in.Plan.EndpointID, in.Engine.Source = new("e"), "http://10.1.2.3:8000/v1"
			return in
		}(), domain.ScopeCPUPackage, "another machine"},
		"battery": {func() Input {
			in := metered(30)
			return each100ms(&in, func(_ int64, s *domain.Sample) { s.BatteryPowerW = new(20.0) })
		}(), domain.ScopeSystemBattery, "energy needs 60 s"},
	} {
		s := scope(t, c.in, c.scope)
		if s.GrossJ != nil || s.JPerToken != nil || s.NetJ != nil || s.Method != "" || !strings.Contains(s.Reason, c.reason) || s.NetReason == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	near := metered(6)
	near.Plan.EndpointID, near.Engine.Source = new("e"), "http://127.0.0.1:8000/v1"
	if s := scope(t, near, domain.ScopeCPUPackage); s.GrossJ == nil {
		t.Errorf("an engine on this machine: %+v", s)
	}
	if rep := Report(Input{}); rep.Summary.Energy != nil {
		t.Errorf("nothing measured: %+v", rep.Summary.Energy)
	}
}

func TestNetEnergy(t *testing.T) {
	in := metered(12)
	in.Samples = in.Samples[20:] // nothing from before the run
	if g := scope(t, in, domain.ScopeGPUBoard); g.NetJ != nil || g.IdleW != nil || g.GrossJ == nil || !strings.Contains(g.NetReason, "no idle baseline") {
		t.Errorf("no baseline: %+v", g)
	}
	// What the run settled at counts before what the machine drew before it.
	in = metered(12)
	for i := range in.Requests {
		in.Requests[i].SentUs += 1_500_000
	}
	for i := range in.Samples {
		s := &in.Samples[i]
		s.TUs += 1_500_000
		switch {
		case s.TUs < 0:
			s.GPUs[0] = domain.GPUSample{PowerW: new(10.0)}
		case s.Phase == domain.PhaseIdle:
			s.Phase, s.GPUs[0] = domain.PhaseSettle, domain.GPUSample{PowerW: new(60.0)}
		}
	}
	within(t, "idle", scope(t, in, domain.ScopeGPUBoard).IdleW, 60, 1)
	in = metered(12)
	for i := range in.Samples { // 195 W and 205 W in turn, at rest too
		in.Samples[i].GPUs[0] = domain.GPUSample{PowerW: new(195 + 10*float64(i%2))}
	}
	if g := scope(t, in, domain.ScopeGPUBoard); !g.BelowResolution || g.NetJ != nil || g.NetJPerToken != nil || g.NoiseJ == nil || g.NetReason == "" {
		t.Errorf("no more than at rest: %+v", g)
	}
}

func TestEnergyOfStages(t *testing.T) {
	in := metered(12)
	in.Plan.Stages = []domain.PlanStage{{Index: 0, Load: closedLoad(1)}, {Index: 1, Load: closedLoad(2)}}
	in.Phases = []domain.PhaseChange{mark(0, 0, closedLoad(1)), mark(6_000_000, 1, closedLoad(2)), {Phase: domain.PhaseDrain, TUs: 12_000_000}}
	for i := range in.Requests {
		in.Requests[i].Stage = i / 12
	}
	rep := Report(in)
	first, second := rep.Summary.Stages[0].Summary.Energy.Scopes[0], rep.Summary.Stages[1].Summary.Energy.Scopes[0]
	within(t, "first stage", first.GrossJ, integral(6_000_000)-integral(0), .1)
	within(t, "both", rep.Summary.Energy.Scopes[0].GrossJ, *first.GrossJ+*second.GrossJ, .001)
}
