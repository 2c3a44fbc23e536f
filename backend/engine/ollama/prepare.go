package ollama

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

const noteEvery = time.Second

// settings are the options that decide how the server loads a model: a request with others would
// make it load again.
type settings struct {
	Context int  `json:"num_ctx,omitempty"`
	Layers  *int `json:"num_gpu,omitempty"` // 0: the CPU alone
}

// running is one model in the server's memory.
type running struct {
	Name      string    `json:"name"`
	Model     string    `json:"model"`
	Size      int64     `json:"size"`
	SizeVRAM  int64     `json:"size_vram"`
	Context   int       `json:"context_length"` // servers before 0.11 do not say
	ExpiresAt time.Time `json:"expires_at"`
}

// keptBefore says how long a model was to stay in memory before it was prepared.
type keptBefore struct {
	loaded bool
	until  time.Time
}

// forever is what the server makes of "keep it always": a time that is centuries off.
const forever = 365 * 24 * time.Hour

// seconds is the keep_alive that brings the old state back: 0 unloads, -1 keeps for ever.
func (k keptBefore) seconds(now time.Time) int {
	left := k.until.Sub(now)
	switch {
	case !k.loaded || left <= 0:
		return 0
	case left > forever:
		return -1
	}
	return int(math.Ceil(left.Seconds()))
}

// Prepare finds out what the server and the model are, loads the model with the context of the
// spec and says where it lies. Loading sends an empty prompt, which is no generation.
func (e *Engine) Prepare(ctx context.Context, s domain.EngineSpec) (domain.EngineInfo, error) {
	note := s.Progress
	if note == nil {
		note = func(string, *float64) {}
	}
	note("Asking Ollama", nil)
	var version struct {
		Version string `json:"version"`
	}
	if err := e.remote.Ask(ctx, remote.Question{Method: http.MethodGet, Path: "/api/version", Out: &version}); err != nil {
		return domain.EngineInfo{}, err
	}
	model := s.Model.Name
	if model == "" {
		model = s.Model.ID
	}
	info := domain.EngineInfo{Kind: Kind, Version: version.Version, Source: e.remote.Root(), Args: []string{},
		Slots: s.Slots, ModelSHA256: s.Model.SHA256, GPUReason: "no model was named"}
	if model == "" {
		return info, nil
	}
	most, err := e.show(ctx, model)
	if err != nil {
		return domain.EngineInfo{}, err
	}
	set := settings{Context: s.Context}
	if most > 0 {
		set.Context = min(set.Context, most)
	}
	if !s.UseGPU {
		set.Layers = new(0)
	}
	if err := e.load(ctx, model, set, note, &info); err != nil {
		return domain.EngineInfo{}, err
	}
	n := min(s.Slots, mostAhead)
	if s.Requests > 0 {
		n = min(n, s.Requests)
	}
	e.Open(ctx, n)
	note("Ready", new(1.0))
	return info, nil
}

// show asks whether the model was pulled and can generate, and returns the longest context it was
// made for, 0 when that is not told.
func (e *Engine) show(ctx context.Context, model string) (int, error) {
	var shown struct {
		Capabilities []string       `json:"capabilities"` // servers before 0.6 do not say
		Info         map[string]any `json:"model_info"`
	}
	err := e.remote.Ask(ctx, remote.Question{Method: http.MethodPost, Path: "/api/show", In: map[string]string{"model": model}, Out: &shown})
	if remote.StatusOf(err) == http.StatusNotFound {
		return 0, e.missing(ctx, model)
	}
	if err != nil {
		return 0, err
	}
	can := len(shown.Capabilities) == 0
	for _, c := range shown.Capabilities {
		can = can || c == "completion"
	}
	if !can {
		return 0, &domain.Error{Kind: domain.KindUnsupported, Msg: "This model does not generate text.",
			Hint: "It can do: " + strings.Join(shown.Capabilities, ", ") + "."}
	}
	for key, value := range shown.Info {
		if n, ok := value.(float64); ok && strings.HasSuffix(key, ".context_length") {
			return int(n), nil
		}
	}
	return 0, nil
}

// missing says that a model was not pulled, or that the server is no Ollama after all.
func (e *Engine) missing(ctx context.Context, model string) error {
	list, err := e.tags(ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		if sameName(t.Name, model) {
			return domain.Errorf(domain.KindEngineFailed, "Ollama lists the model and cannot open it.")
		}
	}
	return &domain.Error{Kind: domain.KindConflict, Msg: "The model is not on the Ollama server.", Hint: "ollama pull " + model}
}

// load brings the model into memory and fills in what is in force then.
func (e *Engine) load(ctx context.Context, model string, set settings, note func(string, *float64), info *domain.EngineInfo) error {
	e.mu.Lock()
	other := e.model != model
	e.mu.Unlock()
	if other {
		e.restore(ctx)
	}
	before, err := e.running(ctx, model)
	if err != nil {
		return err
	}
	e.mu.Lock()
	if e.found == nil {
		e.found = &keptBefore{}
		if before != nil {
			e.found = &keptBefore{loaded: true, until: before.ExpiresAt}
		}
	}
	e.model, e.set = model, set
	e.mu.Unlock()
	begun := time.Now()
	if err := e.loadWithNotes(ctx, model, set, note); err != nil {
		return err
	}
	info.LoadMs = new(float64(time.Since(begun).Microseconds()) / 1000)
	now, err := e.running(ctx, model)
	if err != nil {
		return err
	}
	info.ContextTokens = set.Context
	if now != nil && now.Context > 0 {
		info.ContextTokens = now.Context
	}
	info.GPUUsed, info.GPUReason = gpuOf(now)
	return nil
}

// loadWithNotes loads and says every second that it does.
func (e *Engine) loadWithNotes(ctx context.Context, model string, set settings, note func(string, *float64)) error {
	loaded := make(chan error, 1)
	go func() { loaded <- e.keep(ctx, model, set, keepAlive, e.timeout) }()
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	note("Loading the model", nil)
	for {
		select {
		case err := <-loaded:
			return err
		case <-tick.C:
			note("Loading the model", nil)
		}
	}
}

// keep asks for a model to be in memory for a time: a duration in words, or seconds; 0 unloads it.
func (e *Engine) keep(ctx context.Context, model string, set settings, alive any, limit time.Duration) error {
	in := map[string]any{"model": model, "stream": false, "keep_alive": alive, "options": set}
	if err := e.remote.Ask(ctx, remote.Question{Method: http.MethodPost, Path: "/api/generate", In: in, Timeout: limit}); err != nil {
		return fmt.Errorf("load model: %w", err)
	}
	return nil
}

// running returns the model as it lies in the server's memory, nil when it does not.
func (e *Engine) running(ctx context.Context, model string) (*running, error) {
	var list struct {
		Models []running `json:"models"`
	}
	if err := e.remote.Ask(ctx, remote.Question{Method: http.MethodGet, Path: "/api/ps", Out: &list}); err != nil {
		return nil, err
	}
	for _, m := range list.Models {
		if sameName(m.Name, model) || sameName(m.Model, model) {
			return &m, nil
		}
	}
	return nil, nil
}

// gpuOf reads from the server's own account whether the model lies in the memory of a GPU.
func gpuOf(m *running) (*bool, string) {
	switch {
	case m == nil || m.Size <= 0:
		return nil, "Ollama does not say where the model lies"
	case m.SizeVRAM <= 0:
		return new(false), "Ollama holds the model in main memory"
	case m.SizeVRAM >= m.Size:
		return new(true), "Ollama holds the whole model in GPU memory"
	}
	return new(true), fmt.Sprintf("Ollama holds %.0f %% of the model in GPU memory", 100*float64(m.SizeVRAM)/float64(m.Size))
}
