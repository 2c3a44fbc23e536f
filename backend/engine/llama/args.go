package llama

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// DefaultContext is the context of a slot when the spec names none.
const DefaultContext = 4096

const probeTimeout = 30 * time.Second

// noGPU is said when the GPU was asked for and this build sees none.
const noGPU = "this engine build has no usable GPU device"

// probed is what a binary says about itself.
type probed struct {
	flags   map[string]bool // long and short flags of its help
	devices []string        // names of GPU devices, e.g. Vulkan0; empty when not asked for
	trace   bool            // "-lv 4" prints where the weights lie, and still no prompt
}

// setup is what a child is started with.
type setup struct {
	args      []string // without port
	threads   int
	slots     int
	context   int // per slot
	gpu       bool
	gpuReason string // why there is none, when one was asked for
	devices   []string
}

// probe asks the binary for its flags and, where the GPU matters, its devices. It takes about
// 20 ms and loads no model.
func (e *Engine) probe(ctx context.Context, gpu bool) (probed, error) {
	help, err := e.ask(ctx, "--help")
	if err != nil {
		return probed{}, err
	}
	p := probed{flags: parseFlags(help), trace: strings.Contains(help, "4: trace")}
	if gpu && p.flags["--list-devices"] {
		list, err := e.ask(ctx, "--list-devices")
		if err != nil {
			return probed{}, err
		}
		p.devices = parseDevices(list)
	}
	return p, nil
}

// ask runs the binary with one flag and returns what it prints.
func (e *Engine) ask(ctx context.Context, flag string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.opts.Binary, flag) // #nosec G204 -- the engine that the person installed or named, without a shell
	cmd.Env = childEnv(os.Environ(), e.opts.LibDir, "", e.opts.Env)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("probe engine: %w", context.Cause(ctx))
		}
		text := strings.TrimSpace(string(out))
		hint := "Reinstall the engine or choose another llama-server."
		if cmd.ProcessState != nil {
			if h := hintFor([]string{text}, exitOf(cmd.ProcessState, err)); h != "" {
				hint = h
			}
		}
		return "", &domain.Error{Kind: domain.KindEngineFailed, Msg: "llama-server cannot be run.",
			Hint: hint, LogTail: text, Err: fmt.Errorf("run %s %s: %w", filepath.Base(e.opts.Binary), flag, err)}
	}
	return string(out), nil
}

var flagPattern = regexp.MustCompile(`(?:^|[\s,])(--?[a-zA-Z][a-zA-Z0-9-]*)`)

// parseFlags finds the flags in a help text.
func parseFlags(help string) map[string]bool {
	flags := map[string]bool{}
	for line := range strings.Lines(help) {
		if !strings.HasPrefix(line, "-") { // flags begin in column 1; the rest is prose
			continue
		}
		for _, m := range flagPattern.FindAllStringSubmatch(line, -1) {
			flags[m[1]] = true
		}
	}
	return flags
}

var devicePattern = regexp.MustCompile(`^\s+([A-Za-z]+[0-9]+): `)

// parseDevices reads the answer of --list-devices: an indented line "Vulkan0: NAME (…)" each.
func parseDevices(list string) []string {
	var out []string
	for line := range strings.Lines(list) {
		if m := devicePattern.FindStringSubmatch(line); m != nil {
			out = append(out, m[1])
		}
	}
	return out
}

// settle fixes every flag of a child. What a build does not know is left out, so that older
// builds run too.
func settle(s domain.EngineSpec, p probed) (setup, error) {
	if s.Model.Path == "" {
		return setup{}, &domain.Error{Kind: domain.KindConflict, Msg: "The model is not on this machine.",
			Hint: "Download it first."}
	}
	set := setup{threads: s.Threads, slots: max(1, s.Slots), context: s.Context}
	if set.threads <= 0 {
		set.threads = max(1, physicalCores()-1)
	}
	if set.context <= 0 {
		set.context = DefaultContext
		if g := s.Model.GGUF; g != nil && g.ContextLength > 0 {
			set.context = min(set.context, g.ContextLength)
		}
	}
	set.args = []string{"-m", s.Model.Path, "--host", "127.0.0.1",
		"-t", strconv.Itoa(set.threads), "-c", strconv.Itoa(set.slots * set.context), "-np", strconv.Itoa(set.slots)}
	set.chooseGPU(s, p)
	if err := set.options(s.Options, p); err != nil {
		return setup{}, err
	}
	if set.gpu {
		set.args = append(set.args, "-ngl", strconv.Itoa(layersOf(s.Options)))
		if s.GPU != nil {
			set.args = append(set.args, "-dev", p.devices[*s.GPU])
		}
		if p.trace {
			set.args = append(set.args, "-lv", "4")
		}
	} else {
		set.args = append(set.args, "-ngl", "0")
		if p.flags["-dev"] {
			set.args = append(set.args, "-dev", "none")
		}
	}
	for _, f := range [][]string{{"--metrics"}, {"--cache-ram", "0"}, {"--no-ui"}, {"--offline"},
		{"--cors-origins", "localhost"}, {"-fit", "off"}} {
		if p.flags[f[0]] {
			set.args = append(set.args, f...)
		} else if f[0] == "--no-ui" && p.flags["--no-webui"] {
			set.args = append(set.args, "--no-webui")
		}
	}
	return set, nil
}

// layersOf is how many layers lie on the GPU; more than there are means all.
func layersOf(o domain.EngineOptions) int {
	if o.GPULayers != nil {
		return *o.GPULayers
	}
	return 999
}

// options adds what was asked for. A flag that the build does not know is an error, never left out: the
// run would measure something else.
func (set *setup) options(o domain.EngineOptions, p probed) error {
	number := func(n *int) *string {
		if n == nil {
			return nil
		}
		return new(strconv.Itoa(*n))
	}
	for _, x := range []struct {
		flag, name string
		value      *string
	}{
		{"-b", "batch_size", number(o.BatchSize)}, {"-ub", "ubatch_size", number(o.UBatchSize)}, {"-fa", "flash_attention", o.FlashAttention},
		{"-ctk", "cache_type_k", o.CacheTypeK}, {"-ctv", "cache_type_v", o.CacheTypeV},
	} {
		if x.value == nil {
			continue
		}
		if !p.flags[x.flag] {
			return &domain.Error{Kind: domain.KindConflict, Msg: "This build of the engine does not know the setting " + x.name + ".",
				Hint: "Leave it out, or choose a newer llama-server.", Fields: []domain.FieldError{{Location: "body.engine_options." + x.name, Message: "is not known to this build"}}}
		}
		set.args = append(set.args, x.flag, *x.value)
	}
	return nil
}

// chooseGPU decides whether the GPU is used, and says why when it is not though asked for.
func (set *setup) chooseGPU(s domain.EngineSpec, p probed) {
	switch {
	case !s.UseGPU:
		set.gpuReason = "the GPU was not asked for"
	case len(p.devices) == 0:
		set.gpuReason = noGPU
	case s.GPU != nil && (*s.GPU < 0 || *s.GPU >= len(p.devices)):
		set.gpuReason = fmt.Sprintf("the engine sees %d GPU devices, so there is no GPU %d", len(p.devices), *s.GPU)
	default:
		set.gpu, set.devices = true, p.devices
	}
}

// childEnv is the environment of a child: ours, without what would change flags behind our back
// or tell it our secrets, with the libraries' place and the key.
func childEnv(environ []string, libDir, key string, extra []string) []string {
	libs := libraryPathVariable
	out := make([]string, 0, len(environ)+3)
	old := ""
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "LLAMA_") || strings.HasPrefix(name, "INFEROMETER_") {
			continue
		}
		if name == libs && libDir != "" {
			old = value
			continue
		}
		out = append(out, kv)
	}
	if libDir != "" {
		if old != "" {
			libDir += string(os.PathListSeparator) + old
		}
		out = append(out, libs+"="+libDir)
	}
	if key != "" {
		out = append(out, "LLAMA_API_KEY="+key)
	}
	return append(out, extra...)
}
