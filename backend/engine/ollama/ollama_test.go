package ollama_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/ollama"
)

func newEngine(t *testing.T, o ollama.Options) *ollama.Engine {
	t.Helper()
	e, err := ollama.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func spec(model string) domain.EngineSpec {
	return domain.EngineSpec{Model: domain.Model{ID: model, Name: model}, Slots: 8, Context: 2048, UseGPU: true}
}

func TestOllamaPassesSuite(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	enginetest.Suite(t, enginetest.Subject{
		New:  func(t *testing.T) engine.Engine { return newEngine(t, ollama.Options{BaseURL: f.URL + "/v1"}) },
		Spec: spec("m"), Good: "m", Status: "m" + trapStatus, MidError: "m" + trapError, NoEnd: "m" + trapNoEnd,
	})
}

func TestTraps(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := newEngine(t, ollama.Options{BaseURL: f.URL, Timeout: 200 * time.Millisecond})
	for trap, class := range map[string]domain.ErrorClass{
		trapReset: domain.ErrClassBroken, trapGarbage: domain.ErrClassStream, trapSilent: domain.ErrClassTimeout, trapWhole: domain.ErrClassStream,
		trapLimited: domain.ErrClassLimited, trapRedirect: domain.ErrClassHTTP, trapError: domain.ErrClassStream,
	} {
		t.Run("fails"+trap, func(t *testing.T) {
			t.Parallel()
			g := enginetest.Generate(t.Context(), e, enginetest.Request("m"+trap, 8))
			failed := enginetest.CheckFailed(t, g, class)
			switch trap {
			case trapLimited:
				if g.Usage.HTTPStatus != 429 || g.Usage.RetryAfterS == nil || *g.Usage.RetryAfterS != 7 || !strings.Contains(failed.Msg, "Slow down") {
					t.Errorf("usage %+v, %v", g.Usage, failed)
				}
			case trapError:
				if !strings.Contains(failed.Msg, "out of memory") || len(g.Content()) != 4 {
					t.Errorf("%v after %d chunks", failed, len(g.Content()))
				}
			}
		})
	}
	for _, trap := range []string{trapBundle, trapSplit, trapNoLF, trapGzip, trapThink} {
		t.Run("good"+trap, func(t *testing.T) {
			t.Parallel()
			g := enginetest.Generate(t.Context(), e, enginetest.Request("m"+trap, 6))
			enginetest.CheckGood(t, g, 6)
			thought := g.Text(domain.ChunkReasoning)
			if want := "w0<w1<w2<w3<w4<w5<"; thought+g.Text(domain.ChunkText) != want || (trap == trapThink) != (thought == "w0<w1<w2<") {
				t.Errorf("thinking %q, text %q", thought, g.Text(domain.ChunkText))
			}
		})
	}
	t.Run("cached", func(t *testing.T) {
		t.Parallel()
		g := enginetest.Generate(t.Context(), e, enginetest.Request("m"+trapCached, 2))
		if g.Err != nil || g.Usage.PromptTokens != nil || !g.Usage.Complete {
			t.Errorf("usage %+v, %v: a missing count is not zero", g.Usage, g.Err)
		}
	})
}

func TestTimings(t *testing.T) {
	t.Parallel()
	e := newEngine(t, ollama.Options{BaseURL: newFake(t).URL})
	g := enginetest.Generate(t.Context(), e, enginetest.Request("m", 4))
	enginetest.CheckGood(t, g, 4)
	want := domain.ServerTimings{PromptTokens: 26, PromptMs: 2.5, PredictedTokens: 4, PredictedMs: 4.25, LoadMs: 1.5, TotalMs: 9}
	if g.Usage.Server == nil || *g.Usage.Server != want || *g.Usage.PromptTokens != 26 || g.Usage.HTTPStatus != 200 {
		t.Errorf("usage %+v, server %+v, want %+v", g.Usage, g.Usage.Server, want)
	}
}

func TestRequestBody(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := newEngine(t, ollama.Options{BaseURL: f.URL})
	s := spec("m")
	s.UseGPU = false
	if _, err := e.Prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f.seen()
	r := enginetest.Request("m", 3)
	r.Temperature, r.TopP = 0, 0.5
	r.History = []domain.Message{{Role: "system", Content: "Be brief."}}
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, r), 3)
	r.Raw = true
	enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, r), 3)
	paths, bodies := f.seen()
	if !slices.Equal(paths, []string{"POST /api/chat", "POST /api/generate"}) {
		t.Fatalf("paths %v", paths)
	}
	const options = "map[num_ctx:2048 num_gpu:0 num_predict:3 seed:7 temperature:0 top_p:0.5]"
	for i, want := range []string{
		"map[keep_alive:30m messages:[map[content:Be brief. role:system] map[content:Tell me a story of the sea. role:user]] model:m options:" + options + " shift:false stream:true truncate:false]",
		"map[keep_alive:30m model:m options:" + options + " prompt:Tell me a story of the sea. raw:true shift:false stream:true truncate:false]",
	} {
		if got := fmt.Sprint(bodies[i]); got != want {
			t.Errorf("body %s\nwant %s", got, want)
		}
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.vram = 750
	e := newEngine(t, ollama.Options{BaseURL: f.URL + "/v1/"})
	var notes []string
	s := spec("m")
	s.Context = 100_000
	s.Progress = func(note string, _ *float64) { notes = append(notes, note) }
	info, err := e.Prepare(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if info.Kind != "ollama" || info.Version != "0.12.3" || info.Source != f.URL || info.ContextTokens != 2048 || info.LoadMs == nil ||
		info.GPUUsed == nil || !*info.GPUUsed || !strings.Contains(info.GPUReason, "75 %") || info.ExactLength || info.CacheOff || info.Tokenizer {
		t.Errorf("info %+v", info)
	}
	if !slices.Contains(notes, "Loading the model") || notes[len(notes)-1] != "Ready" {
		t.Errorf("notes %v", notes)
	}
	_, bodies := f.seen()
	for _, b := range bodies {
		if b["prompt"] != nil || b["messages"] != nil {
			t.Errorf("Prepare sent a generation: %v", b)
		}
		if set, ok := b["options"].(map[string]any); ok && set["num_ctx"] != 4096.0 {
			t.Errorf("options %v: the context is not cut to that of the model", set)
		}
	}
	models, err := e.Models(t.Context())
	if err != nil || len(models) != 2 || models[0].ID != "m:latest" || *models[0].SizeBytes != 5000 {
		t.Errorf("models %+v, %v", models, err)
	}
}

// Close leaves the server as it was.
func TestCloseRestores(t *testing.T) {
	t.Parallel()
	for before, check := range map[string]func(after string) bool{
		"":    func(after string) bool { return after == "" },
		"-1":  func(after string) bool { return after == "-1" },
		"60m": func(after string) bool { return after == "3600" || after == "3599" },
	} {
		f := newFake(t)
		if before != "" {
			f.loaded["m"] = before
		}
		e := newEngine(t, ollama.Options{BaseURL: f.URL})
		for range 2 { // what the first found counts
			if _, err := e.Prepare(t.Context(), spec("m")); err != nil {
				t.Fatal(err)
			}
		}
		if f.kept("m") != "30m" {
			t.Errorf("%q: kept %q while prepared", before, f.kept("m"))
		}
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := f.kept("m"); !check(after) {
			t.Errorf("%q before, %q after", before, after)
		}
	}
}

func TestPrepareErrors(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	other := enginetest.NewServer(t) // no Ollama
	for name, c := range map[string]struct {
		url, model string
		kind       domain.Kind
		hint       string
	}{
		"not pulled": {f.URL, "qwen3:8b", domain.KindConflict, "ollama pull qwen3:8b"},
		"embedding":  {f.URL, "embed", domain.KindUnsupported, "embedding"},
		"refused":    {gone.URL, "m", domain.KindUnavailable, "running"},
		"no ollama":  {other.URL, "m", domain.KindEngineFailed, "kind"},
	} {
		_, err := newEngine(t, ollama.Options{BaseURL: c.url}).Prepare(t.Context(), spec(c.model))
		var failed *domain.Error
		if !errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Hint, c.hint) {
			t.Errorf("%s: %+v, want %s and a hint about %q", name, err, c.kind, c.hint)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newEngine(t, ollama.Options{BaseURL: f.URL}).Prepare(ctx, spec("m")); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	for _, url := range []string{"", "host:1", "ftp://h", "http://u:p@h"} {
		if _, err := ollama.New(ollama.Options{BaseURL: url}); domain.KindOf(err) != domain.KindInvalid {
			t.Errorf("New(%q): %v", url, err)
		}
	}
}
