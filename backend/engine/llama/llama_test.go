package llama

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

const helpText = `----- common params -----

-h,    --help, --usage                  print usage, see --not-a-flag
-dev,  --device <dev1,dev2,..>          devices
--list-devices                          print list
--cache-ram N, -cram                    size
--ui,  --webui, --no-ui, --no-webui     whether to enable
                                        --in-prose is none
`

func TestParseFlags(t *testing.T) {
	t.Parallel()
	flags := parseFlags(helpText)
	for _, f := range []string{"-h", "--help", "-dev", "--device", "--list-devices", "--cache-ram", "-cram", "--no-ui", "--no-webui"} {
		if !flags[f] {
			t.Errorf("no %s in %v", f, flags)
		}
	}
	if flags["--in-prose"] {
		t.Error("a flag was found in prose")
	}
}

func TestParseDevices(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"Available devices:\n  (none)\n": nil,
		"":                               nil,
		"ggml_vulkan: Found 1 devices:\nAvailable devices:\n  Vulkan0: NVIDIA H100 (81559 MiB, 80000 MiB free)\n  CUDA1: X (1 MiB, 1 MiB free)\n": {"Vulkan0", "CUDA1"},
	} {
		if got := parseDevices(in); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	all := map[string]bool{"-dev": true, "--metrics": true, "--cache-ram": true, "--no-ui": true, "--no-webui": true,
		"--offline": true, "--cors-origins": true, "-fit": true}
	old := map[string]bool{"--metrics": true, "--no-webui": true}
	model := domain.Model{Path: "/m.gguf"}
	for name, c := range map[string]struct {
		spec   domain.EngineSpec
		probe  probed
		want   string
		reason string
	}{
		"cpu": {domain.EngineSpec{Model: model, Slots: 3, Context: 100, Threads: 5}, probed{flags: all, devices: []string{"CUDA0"}},
			"-m /m.gguf --host 127.0.0.1 -t 5 -c 300 -np 3 -ngl 0 -dev none --metrics --cache-ram 0 --no-ui --offline --cors-origins localhost -fit off",
			"the GPU was not asked for"},
		"old build": {domain.EngineSpec{Model: model, Threads: 1, UseGPU: true}, probed{flags: old},
			"-m /m.gguf --host 127.0.0.1 -t 1 -c 4096 -np 1 -ngl 0 --metrics --no-webui", noGPU},
		"short model": {domain.EngineSpec{Model: domain.Model{Path: "/m.gguf", GGUF: &domain.GGUFInfo{ContextLength: 1024}}, Threads: 1}, probed{},
			"-m /m.gguf --host 127.0.0.1 -t 1 -c 1024 -np 1 -ngl 0", "the GPU was not asked for"},
		"gpu": {domain.EngineSpec{Model: model, Threads: 1, UseGPU: true, GPU: new(1)}, probed{devices: []string{"CUDA0", "CUDA1"}, trace: true},
			"-m /m.gguf --host 127.0.0.1 -t 1 -c 4096 -np 1 -ngl 999 -dev CUDA1 -lv 4", ""},
		"no such gpu": {domain.EngineSpec{Model: model, Threads: 1, UseGPU: true, GPU: new(2)}, probed{devices: []string{"CUDA0"}},
			"-m /m.gguf --host 127.0.0.1 -t 1 -c 4096 -np 1 -ngl 0", "the engine sees 1 GPU devices, so there is no GPU 2"},
	} {
		set, err := settle(c.spec, c.probe)
		if err != nil || strings.Join(set.args, " ") != c.want || set.gpuReason != c.reason {
			t.Errorf("%s: %s (%q), %v\nwant %s (%q)", name, strings.Join(set.args, " "), set.gpuReason, err, c.want, c.reason)
		}
	}
	asked := domain.EngineSpec{Model: model, Threads: 2, Options: domain.EngineOptions{BatchSize: new(256), UBatchSize: new(64), FlashAttention: new("on"),
		CacheTypeK: new("q8_0"), CacheTypeV: new("q4_0"), GPULayers: new(7)}, UseGPU: true}
	knows := probed{flags: map[string]bool{"-b": true, "-ub": true, "-fa": true, "-ctk": true, "-ctv": true}, devices: []string{"CUDA0"}}
	set, err := settle(asked, knows)
	if want := "-m /m.gguf --host 127.0.0.1 -t 2 -c 4096 -np 1 -b 256 -ub 64 -fa on -ctk q8_0 -ctv q4_0 -ngl 7"; err != nil || strings.Join(set.args, " ") != want {
		t.Errorf("%v, %v\nwant %s", set.args, err, want)
	}
	delete(knows.flags, "-ctv")
	if _, err := settle(asked, knows); domain.KindOf(err) != domain.KindConflict || !strings.Contains(err.Error(), "cache_type_v") {
		t.Errorf("a build that does not know a setting: %v", err)
	}
	if _, err := settle(domain.EngineSpec{}, probed{}); domain.KindOf(err) != domain.KindConflict {
		t.Errorf("without a model: %v", err)
	}
	if set, err := settle(domain.EngineSpec{Model: model}, probed{}); err != nil || set.threads < 1 {
		t.Errorf("threads = %d, %v", set.threads, err)
	}
}

func TestGPUInForce(t *testing.T) {
	t.Parallel()
	on := setup{gpu: true, devices: []string{"Vulkan0", "Vulkan1"}}
	for name, c := range map[string]struct {
		set    setup
		log    []string
		used   string
		reason string
	}{
		"not asked": {setup{gpuReason: "why"}, []string{"Vulkan0 model buffer size = 1 MiB"}, "false", "why"},
		"on one":    {on, []string{"load_tensors: offloaded 31/31 layers to GPU", "load_tensors:      Vulkan1 model buffer size = 92 MiB"}, "true", "model on Vulkan1"},
		"in part":   {on, []string{"offloaded 3/31 layers to GPU", "Vulkan0 model buffer size = 9 MiB"}, "true", "only 3 of 31 layers are on the GPU"},
		// Builds without any device print this too.
		"only said": {on, []string{"offloaded 31/31 layers to GPU", "CPU_Mapped model buffer size = 92 MiB"}, "unknown", "the engine's log does not say whether the GPU holds the model"},
	} {
		used, reason := gpuInForce(c.set, c.log)
		got := "unknown"
		if used != nil {
			got = fmt.Sprint(*used)
		}
		if got != c.used || reason != c.reason {
			t.Errorf("%s: %s, %q", name, got, reason)
		}
	}
}

func TestLayersOnGPU(t *testing.T) {
	t.Parallel()
	on, all := layersOnGPU([]string{"offloading 3 layers", "load_tensors: offloaded 3/31 layers to GPU"})
	if on == nil || all == nil || *on != 3 || *all != 31 {
		t.Errorf("%v of %v", on, all)
	}
	if on, all = layersOnGPU([]string{"offloaded 99999999999999999999/3 layers to GPU"}); on != nil || all != nil {
		t.Errorf("an unreadable line gave %v of %v", on, all)
	}
}

func TestChildEnv(t *testing.T) {
	t.Parallel()
	got := childEnv([]string{"HOME=/h", "LLAMA_ARG_N_GPU_LAYERS=9", "LLAMA_API_KEY=other", "INFEROMETER_API_KEY=s", libraryPathVariable + "=/old"},
		"/lib", "k", []string{"X=1"})
	want := []string{"HOME=/h", libraryPathVariable + "=/lib:/old", "LLAMA_API_KEY=k", "X=1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLogRing(t *testing.T) {
	t.Parallel()
	seen := 0
	l := newLogRing(func(string) { seen++ })
	l.begin("geheim")
	for i := range ringLines + 10 {
		fmt.Fprintf(l, "line %d\r\n", i)
	}
	fmt.Fprint(l, "the key is ge")
	fmt.Fprint(l, "heim\n", strings.Repeat("x", 3*maxLineBytes), "\nunfinished")
	l.flush()
	lines := l.lines()
	if len(lines) != ringLines || lines[0] != "line 13" || seen != ringLines+13 {
		t.Errorf("%d lines, first %q, %d seen", len(lines), lines[0], seen)
	}
	if end := lines[len(lines)-3:]; end[0] != "the key is ***" || len(end[1]) != maxLineBytes || end[2] != "unfinished" {
		t.Errorf("last lines: %.40q", end)
	}
	l.begin("")
	if len(l.lines()) != 0 {
		t.Error("a new child begins with an old log")
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"CUDA error: out of memory":                               "not enough memory",
		"gguf_init: invalid magic characters: 'bad?'":             "damaged",
		"bind: Address already in use":                            "port",
		"./llama-server: error while loading shared libraries: x": "libraries",
		"all is well": "log",
	} {
		if got := hintFor([]string{line}, exitStatus{code: 1}); !strings.Contains(got, want) {
			t.Errorf("%q: %q, want a hint about %q", line, got, want)
		}
	}
	if got := hintFor(nil, exitStatus{ill: true}); !strings.Contains(got, "CPU instructions") {
		t.Errorf("SIGILL: %q", got)
	}
}

// Events of /completion as servers write them.
const (
	rawToken = `{"index":0,"content":" The\n","tokens":[],"stop":false,"id_slot":-1,"tokens_predicted":7,"tokens_evaluated":5}`
	rawLast  = `{"index":0,"content":"","tokens":[],"id_slot":1,"stop":true,"tokens_predicted":6,"tokens_evaluated":5,"stop_type":"limit","timings":{"prompt_n":5}}`
)

func TestQuickPart(t *testing.T) {
	t.Parallel()
	if p, ok := quickPart([]byte(rawToken)); !ok || p != (part{text: " The\n", predicted: 7}) {
		t.Errorf("token: %+v %v", p, ok)
	}
	for _, in := range []string{rawLast, `{"error":{}}`, "", rawToken + "x"} {
		if p, ok := quickPart([]byte(in)); ok {
			t.Errorf("%s was read as %+v", in, p)
		}
	}
}

// Whatever the quick reader accepts, the general one reads alike.
func FuzzQuickPart(f *testing.F) {
	for _, s := range []string{rawToken, rawLast, `{"error":{"message":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := quickPart(data)
		want, err := fullPart(data)
		if ok && (err != nil || got != want) {
			t.Errorf("%q: quick %+v, full %+v %v", data, got, want, err)
		}
	})
}

// A token costs one allocation: its text.
func TestTokensAreCheap(t *testing.T) {
	event := engine.Event{Data: []byte(rawToken)}
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := readPart(event); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations for a token", allocs)
	}
}
