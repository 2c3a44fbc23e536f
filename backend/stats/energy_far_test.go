package stats

import (
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// metered elsewhere: two machines answer once a second, at moments of their own, each of one GPU at half
// of the curve's energy. The curve's steps are shorter than a second, so power alone tells less well.
func meteredElsewhere(seconds int64) Input {
	in := metered(seconds)
	in.Plan.EndpointID, in.Engine.Source = new("far"), "http://10.0.0.7:8000/v1"
	for i := range in.Samples {
		s := &in.Samples[i]
		s.GPUs = nil
		for m, host := range []string{"10.0.0.7:9400", "10.0.0.8:9400"} {
			if at := s.TUs + 2_000_000 - int64(m)*300_000; at%1_000_000 == 0 {
				s.Remote = append(s.Remote, domain.RemoteSample{Source: host, AgeMs: 100,
					GPUs: []domain.GPUSample{{EnergyJ: new(1e7 + integral(s.TUs-100_000)/2), PowerW: new(100.0)}}})
			}
		}
	}
	return in
}

func TestEnergyOfOtherMachines(t *testing.T) {
	want := integral(12_000_000) - integral(0)
	in := meteredElsewhere(12)
	g := scope(t, in, domain.ScopeGPUBoard)
	within(t, "gross by the counters of two machines", g.GrossJ, want, 3)
	if g.Method != domain.EnergyByCounter || g.UncertaintyPercent == nil || *g.UncertaintyPercent < 2 {
		t.Errorf("scope %+v", g)
	}
	if c := scope(t, in, domain.ScopeCPUPackage); c.GrossJ != nil || !strings.Contains(c.Reason, "another machine") {
		t.Errorf("the processor here is none of theirs: %+v", c)
	}

	for i := range in.Samples {
		for j := range in.Samples[i].Remote {
			in.Samples[i].Remote[j].GPUs[0].EnergyJ = nil
		}
	}
	g = scope(t, in, domain.ScopeGPUBoard)
	within(t, "gross by power", g.GrossJ, 200*12, .1)
	if g.Method != domain.EnergyByIntegral {
		t.Errorf("scope %+v", g)
	}
}

func TestEnergyOfOtherMachinesThatIsNotWhole(t *testing.T) {
	for name, change := range map[string]func(*domain.RemoteSample){
		"a board that tells nothing": func(r *domain.RemoteSample) {
			if r.Source == "10.0.0.8:9400" {
				r.GPUs = append(r.GPUs, domain.GPUSample{Index: 1})
			}
		},
		"no answer": func(r *domain.RemoteSample) { r.GPUs, r.Error = nil, "It gave no answer within 2 s." },
	} {
		in := meteredElsewhere(12)
		for i := range in.Samples {
			for j := range in.Samples[i].Remote {
				change(&in.Samples[i].Remote[j])
			}
		}
		if g := scope(t, in, domain.ScopeGPUBoard); g.GrossJ != nil || g.Reason == "" {
			t.Errorf("%s: %+v", name, g)
		}
	}
	in := meteredElsewhere(12) // one machine falls silent half-way
	for i := range in.Samples {
		if in.Samples[i].TUs > 5_000_000 {
			for j := range in.Samples[i].Remote {
				if r := &in.Samples[i].Remote[j]; r.Source == "10.0.0.8:9400" {
					r.GPUs, r.Error = nil, "gone"
				}
			}
		}
	}
	if g := scope(t, in, domain.ScopeGPUBoard); g.GrossJ != nil || g.Reason != "The meter fell silent while measuring." {
		t.Errorf("half silent: %+v", g)
	}
}
