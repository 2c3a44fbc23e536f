package service_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// fakeSampler gives one reading at each edge of a phase.
type fakeSampler struct {
	remote  func() []domain.RemoteSample
	mu      sync.Mutex
	start   time.Time
	phase   domain.Phase
	sink    func(domain.Sample)
	rate    float64
	history []domain.Sample
	gpus    []domain.GPUInfo
	facts   map[string]string
	heat    *float64 // of the CPU
	watts   float64  // what a processor draws all the time; 0: it has no meter
}

func (f *fakeSampler) reading() domain.Sample {
	s := domain.Sample{Timestamp: time.Now().UTC(), Phase: f.phase, CPUPercent: ptr(12.5), RAMUsedGB: ptr(3.25), CPUTempC: f.heat}
	if !f.start.IsZero() {
		s.TUs = time.Since(f.start).Microseconds()
	}
	if f.remote != nil {
		s.Remote = f.remote()
	}
	if f.watts > 0 {
		s.CPUEnergyJ = ptr(f.watts * time.Since(f.start).Seconds())
	}
	return s
}

func (f *fakeSampler) Begin(start time.Time, sink func(domain.Sample)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.sink, f.phase = start, sink, domain.PhasePrepare
}

func (f *fakeSampler) SetPhase(p domain.Phase) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase = p
	if f.sink != nil {
		f.sink(f.reading())
	}
}

func (f *fakeSampler) SetEnginePID(int) {}

func (f *fakeSampler) End() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start, f.sink, f.phase = time.Time{}, nil, domain.PhaseIdle
}

// busy reports whether a run has not been ended.
func (f *fakeSampler) busy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sink != nil
}

func (f *fakeSampler) Latest() (domain.Sample, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reading(), true
}

func (f *fakeSampler) History(time.Duration) []domain.Sample {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.history)
}

// look makes the sampler tell of such readings from now on.
func (f *fakeSampler) look(history []domain.Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.history = history
}

func (f *fakeSampler) System() domain.System {
	return domain.System{OS: "Test OS", Kernel: "6.1", Arch: "amd64", CPUModel: "Test CPU", CPUThreads: 4, RAMTotalGB: 8,
		GPUs: f.gpus, GPUReason: "No GPU was found.", Facts: f.facts,
		Sensors: []domain.SensorInfo{{Key: "power_w", Reason: "/sys/class/powercap cannot be read."}}}
}

func (f *fakeSampler) Stats() domain.Telemetry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return domain.Telemetry{RateHz: f.rate}
}

// SetRemote implements service.Sampler.
func (f *fakeSampler) SetRemote(fresh func() []domain.RemoteSample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remote = fresh
}

func (f *fakeSampler) SetRate(hz float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate = hz
}

// fakeLibrary keeps a list of models.
type fakeLibrary struct {
	mu      sync.Mutex
	models  []domain.Model
	removed []string
}

func newLibrary() *fakeLibrary {
	return &fakeLibrary{models: []domain.Model{
		{ID: "tiny", Name: "Tiny", Engine: "llama-server", Installed: true, Source: "catalogue", SHA256: "feed", GGUF: &domain.GGUFInfo{ContextLength: 4096}},
		{ID: "base", Name: "Base", Engine: "llama-server", Installed: true, Source: "file", Base: true},
		{ID: "large", Name: "Large", Engine: "llama-server", Installed: true, Source: "file", Path: "/models/large.gguf"},
		{ID: "broken", Name: "Broken", Installed: true, Source: "file", Error: "File ends early: 3.2 of 5.0 GB."},
		{ID: "big", Name: "Big", Engine: "llama-server", Source: "catalogue"},
	}}
}

func (f *fakeLibrary) Models(_ context.Context, installed bool) ([]domain.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []domain.Model
	for _, m := range f.models {
		if m.Installed == installed {
			out = append(out, m)
		}
	}
	return out, nil
}

func (f *fakeLibrary) Model(_ context.Context, id string) (domain.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.models {
		if m.ID == id || m.Name == id { // known by two names, like a file is
			return m, nil
		}
	}
	return domain.Model{}, domain.Errorf(domain.KindNotFound, "There is no such model.")
}

// SHA256 takes ten seconds, as it does for a large file.
func (f *fakeLibrary) SHA256(ctx context.Context, path string) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(10 * time.Second):
		return "sum of " + path, nil
	}
}

func (f *fakeLibrary) AddFile(_ context.Context, path string) (domain.Model, error) {
	return domain.Model{ID: path, Installed: true}, nil
}

func (f *fakeLibrary) Remove(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.removed = append(f.removed, id)
	return nil
}

func (f *fakeLibrary) Download(_ context.Context, id string) (domain.Download, error) {
	return domain.Download{ID: id, State: "queued"}, nil
}

func (f *fakeLibrary) CancelDownload(context.Context, string) error { return nil }
