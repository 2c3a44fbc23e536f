package telemetry

import (
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// reader turns readings of the host, of this process and of the engine into samples. Its owner
// serialises the calls.
type reader struct {
	host    hostSource
	process func(pid int) (processSource, bool)

	self      processSource // nil where the system does not tell
	selfMeter cpuMeter
	engine    processSource // nil: none runs here
	engMeter  cpuMeter
	engFaults rate
	engineWhy string // why there are no figures of the engine
	window    cpuWindow
	last      hostReading
	figures   figures
	cores     []float64
}

const (
	noEngine    = "No engine runs on this machine now."
	engineEnded = "The engine's process has ended."
	notYet      = "No reading has been taken yet."
)

func newReader(host hostSource, self func() (processSource, bool),
	process func(pid int) (processSource, bool),
) *reader {
	r := &reader{host: host, process: process, engineWhy: noEngine}
	if p, ok := self(); ok {
		r.self = p
	}
	return r
}

// watch changes the engine's process; 0 means none.
func (r *reader) watch(pid int) {
	if r.engine != nil {
		r.engine.close()
	}
	r.engine, r.engMeter, r.engFaults, r.engineWhy = nil, cpuMeter{}, rate{}, noEngine
	if pid <= 0 {
		return
	}
	p, ok := r.process(pid)
	if !ok {
		r.engineWhy = engineEnded
		return
	}
	r.engine, r.engineWhy = p, ""
	if used, ok := p.cpuTime(); ok { // the first tick then has a span to measure
		r.engMeter.add(time.Now(), used)
	}
}

// figures are what the pointers of a sample lead to.
type figures struct {
	cpu, ram, swap, engineCPU, engineRSS, self float64
	gauges                                     [domain.Gauges]float64
}

// sample reads everything but the GPUs. Its figures and cores are the reader's own and are written anew
// by the next one, so that nothing is allocated on Linux: whoever keeps a sample copies it.
func (r *reader) sample(now time.Time) domain.Sample {
	r.host.read(now, &r.window, &r.last)
	f := &r.figures
	s := domain.Sample{Timestamp: now, CPUCores: []float64{}, GPUs: []domain.GPUSample{}}
	if r.last.cpuErr == "" {
		r.cpu(&s, f)
	}
	if r.last.hasRAM {
		f.ram = float64(r.last.ramUsed) / gb
		s.RAMUsedGB = &f.ram
	}
	if r.last.hasSwap {
		f.swap = float64(r.last.swapUsed) / gb
		s.SwapUsedGB = &f.swap
	}
	if r.self != nil {
		if used, ok := r.self.cpuTime(); ok {
			if f.self, ok = r.selfMeter.add(now, used); ok {
				s.SelfCPUPercent = &f.self
			}
		}
	}
	if r.engine != nil {
		r.engineInto(now, &s, f)
	}
	r.gaugesInto(&s, f)
	return s
}

func (r *reader) gaugesInto(s *domain.Sample, f *figures) {
	fields := s.Gauges()
	for g := range fields {
		if r.last.gauges.has[g] {
			f.gauges[g] = r.last.gauges.value[g]
			*fields[g] = &f.gauges[g]
		}
	}
}

func (r *reader) cpu(s *domain.Sample, f *figures) {
	var ok bool
	if f.cpu, ok = r.window.percent(); ok {
		s.CPUPercent = &f.cpu
	}
	if n := len(r.window.back(0).cores); n != len(r.cores) {
		r.cores = make([]float64, n)
	}
	if r.window.corePercents(r.cores) {
		s.CPUCores = r.cores
	}
}

// engineInto needs both readings: a process that has ended but is not yet collected still answers
// for its CPU time.
func (r *reader) engineInto(now time.Time, s *domain.Sample, f *figures) {
	used, ok := r.engine.cpuTime()
	rss, alive := r.engine.rss()
	if !ok || !alive {
		r.engineWhy = engineEnded
		return
	}
	r.engineWhy = ""
	f.engineRSS = float64(rss) / gb
	s.EngineRSSGB = &f.engineRSS
	if f.engineCPU, ok = r.engMeter.add(now, used); ok {
		s.EngineCPUPercent = &f.engineCPU
	}
	faults, ok := r.engine.majorFaults()
	if !ok {
		r.last.gauges.miss(domain.GaugeMajorFaults, lack{reason: "The system does not tell the engine's page faults."})
		return
	}
	perSecond, ok := r.engFaults.add(now, faults)
	if !ok {
		r.last.gauges.miss(domain.GaugeMajorFaults, lack{})
		return
	}
	r.last.gauges.set(domain.GaugeMajorFaults, perSecond)
}

func (r *reader) close() {
	r.host.close()
	if r.self != nil {
		r.self.close()
	}
	r.watch(0)
}

// hostStatus is what the last reading says about the sensors that are no GPU.
type hostStatus struct {
	source                 string
	cpu, ram, swap, engine string // why it is missing; empty when it is there
	self                   string
	gauges                 [domain.Gauges]lack
}

func (r *reader) status() hostStatus {
	st := hostStatus{source: r.host.name(), cpu: r.last.cpuErr, engine: r.engineWhy, gauges: r.last.gauges.lack}
	if r.engineWhy != "" {
		st.gauges[domain.GaugeMajorFaults] = lack{reason: r.engineWhy}
	}
	if !r.last.hasRAM {
		st.ram = orElse(r.last.memErr, "The system does not tell its memory use.")
	}
	if !r.last.hasSwap {
		st.swap = orElse(r.last.memErr, "The system does not tell its swap use.")
	}
	if r.self == nil {
		st.self = "The system does not tell the CPU time of this program."
	}
	return st
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
