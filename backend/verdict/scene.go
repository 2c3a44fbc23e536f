package verdict

import (
	"github.com/inferometer/inferometer/backend/domain"
)

// oneAtATime is the mean number of requests under way up to which each token has its own reading of
// the weights.
const oneAtATime = 1.05

// scene is what the judges look at: one stage of the run.
type scene struct {
	run      domain.Run
	env      domain.Environment // of the run; zero where it is not known
	index    int
	fig      domain.Figures
	from, to int64                  // the stage, in µs from the start of the run
	requests []domain.RequestRecord // all of the run
	samples  []*domain.Sample       // of the stage
	local    bool                   // the engine ran on this machine, so that the readings tell of it
	gpu      bool                   // the engine says that it used a GPU
}

// look chooses the stage with the highest throughput, which is the headline of a run.
func look(r domain.Run, requests []domain.RequestRecord, samples []domain.Sample) scene {
	s := scene{run: r, fig: r.Summary.Figures, local: r.Plan.EndpointID == nil, requests: requests, index: or(r.Summary.BestStage, 0)}
	if r.Environment != nil {
		s.env = *r.Environment
	}
	s.gpu = or(s.env.Engine.GPUUsed, false)
	s.from, s.to = -1, -1
	for _, st := range r.Summary.Stages {
		if st.Index == s.index && st.Summary != nil {
			s.fig = *st.Summary
			s.from, s.to = or(st.StartUs, -1), or(st.EndUs, -1)
		}
	}
	for i := range samples { // by reference: a long run has many
		x := &samples[i]
		if measuring(x.Phase) && (s.from < 0 || x.TUs >= s.from) && (s.to < 0 || x.TUs <= s.to) {
			s.samples = append(s.samples, x)
		}
	}
	if s.from < 0 && len(s.samples) > 0 {
		s.from = s.samples[0].TUs
	}
	return s
}

func measuring(p domain.Phase) bool {
	return p == domain.PhaseMeasure || p == domain.PhaseCooldown || p == domain.PhaseDrain
}

// underWay is the mean number of requests at a time.
func (s scene) underWay() float64 { return or(s.fig.DeliveredConcurrency, 1) }

// alone reports whether requests ran one at a time.
func (s scene) alone() bool { return s.underWay() <= oneAtATime }

// mean is the mean of a reading over the stage; nil without one.
func (s scene) mean(get func(*domain.Sample) *float64) *float64 {
	sum, n := 0.0, 0
	for _, x := range s.samples {
		if v := get(x); v != nil {
			sum, n = sum+*v, n+1
		}
	}
	if n == 0 {
		return nil
	}
	return new(sum / float64(n))
}

// series is a reading over time.
func (s scene) series(get func(*domain.Sample) *float64) []point {
	var out []point
	for _, x := range s.samples {
		if v := get(x); v != nil {
			out = append(out, point{x.TUs, *v})
		}
	}
	return out
}

// depth is the mean number of tokens of context that a decoded token looks back on.
func (s scene) depth() float64 {
	n := float64(s.fig.Requests.OK)
	return float64(or(s.fig.Tokens.Prompt, 0))/n + float64(s.fig.Tokens.Output)/n/2
}

// bytesPerToken is what decoding one token reads: weights, and the cache at the mean depth.
func (s scene) bytesPerToken() (bytes float64, ok bool) {
	m := s.env.Model
	if m == nil || m.BytesPerToken == nil || *m.BytesPerToken <= 0 {
		return 0, false
	}
	return float64(*m.BytesPerToken) + float64(or(m.KVBytesPerToken, 0))*s.depth(), true
}

// peak is the ceiling of reading memory in GB/s and how it is known; 0 and why where it is not.
func (s scene) peak() (gbPerS float64, from string) {
	if !s.gpu {
		if b := s.env.Bandwidth; b != nil {
			return b.GBPerS, "Estimated peak of reading, measured, ± 20 %."
		}
		return 0, "The memory bandwidth of this machine has not been measured yet."
	}
	if peak := gpuPeak(s.env.GPUs, s.run.Plan.GPU); peak > 0 {
		return peak, "Theoretical peak of the GPU: memory clock × bus width × 2."
	}
	return 0, "The GPU does not tell its memory clock and bus width."
}

// gpuPeak is the theoretical peak of the GPU in use in GB/s. Several GPUs hold some layers each and
// are read one after the other, so the slowest counts. 0 where one does not tell.
func gpuPeak(gpus []domain.GPUInfo, only *int) float64 {
	slowest := 0.0
	for _, g := range gpus {
		if only != nil && g.Index != *only {
			continue
		}
		peak := g.TheoreticalPeak()
		if peak == nil {
			return 0
		}
		if slowest == 0 || *peak < slowest {
			slowest = *peak
		}
	}
	return slowest
}
