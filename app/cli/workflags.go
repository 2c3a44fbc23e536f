package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// workFlags are the flags of run that say what is sent, and when.
type workFlags struct {
	load, synthetic, input, output, promptCache string
	stages                                      []string
	depths                                      []int
	sharedPrefix, turns, prompts, cooldown      int
	requests, tokens, errors                    int
	confidence, restBelow                       float64
	rest                                        time.Duration
	raw                                         bool
	set                                         map[string]string
}

func (f *workFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.load, "load", "", "when requests start: single, closed:16, rate:5/s, poisson:5/s, gamma:5/s,cv=2,\n"+
		"ramp:1..64/30s, sweep:1,2,4,8, sweep:1..64, sweep:1/s,2/s, knee, knee:ttft_p95<500ms, trace:FILE")
	fl.StringArrayVar(&f.stages, "stage", nil, "a load word; given again, one stage after the other")
	fl.IntSliceVar(&f.depths, "depth", nil, "one stage for each of these numbers of context tokens before the prompt, such as 0,4096")
	fl.StringVar(&f.synthetic, "synthetic", "", "made prompts of IN tokens, and answers of OUT tokens: IN or IN:OUT")
	fl.StringVar(&f.input, "input-tokens", "", "length of made prompts: 512, uniform:128..512, normal:512,64,\n"+
		"lognormal:512,128, histogram:128=3,512=1")
	fl.StringVar(&f.output, "output-tokens", "", "output length of each request of made prompts, in the same words")
	fl.IntVar(&f.sharedPrefix, "shared-prefix", 0, "so many tokens of every made prompt are the same")
	fl.IntVar(&f.turns, "turns", 0, "messages of each made conversation")
	fl.IntVar(&f.prompts, "prompts", 0, "how many different prompts are made")
	fl.IntVar(&f.requests, "requests", 0, "stop after this many measured requests, in each stage")
	fl.IntVar(&f.tokens, "tokens", 0, "stop after this many output tokens, in each stage")
	fl.IntVar(&f.errors, "errors", 0, "stop after this many failed requests, in each stage")
	fl.Float64Var(&f.confidence, "confidence", 0, "stop when the means of TTFT and TPOT are known to ± so many percent, in each stage")
	fl.IntVar(&f.cooldown, "cooldown", 0, "discarded requests that keep the load up while the last measured ones end")
	fl.DurationVar(&f.rest, "rest", 0, "pause before each further repetition and stage, such as 30s")
	fl.Float64Var(&f.restBelow, "rest-below", 0, "let the pause go on until GPUs and processor are at this many °C (5 minutes at most)")
	fl.StringVar(&f.promptCache, "prompt-cache", "", "on lets the server answer out of its prompt cache (default off)")
	fl.StringToStringVar(&f.set, "set", nil, "settings of the embedded engine: threads=2,batch_size=512,ubatch_size=128,\n"+
		"flash_attention=on,cache_type_k=q8_0,cache_type_v=q8_0,gpu_layers=20,context_tokens=8192")
	fl.BoolVar(&f.raw, "raw", false, "send the prompt without a chat template")
}

// into puts what the flags say into a request body. A trace file is imported first.
func (f workFlags) into(ctx context.Context, given func(string) bool, cl *Client, b map[string]any) error {
	put(given, b, map[string]field{
		"cooldown": {"cooldown", f.cooldown}, "prompt-cache": {"prompt_cache", f.promptCache}, "raw": {"raw_completion", f.raw},
	})
	if given("rest") || given("rest-below") {
		rest := domain.Rest{Seconds: new(f.rest.Seconds())}
		if given("rest-below") {
			rest.BelowC = &f.restBelow
		}
		b["rest"] = rest
	}
	if len(f.set) > 0 {
		b["engine_options"] = engineOptions(f.set)
	}
	made, err := f.made(given)
	if err != nil {
		return err
	}
	if made != nil {
		if !given("dataset") {
			delete(b, "dataset_id") // made prompts replace the quick check's dataset
		}
		b["synthetic"] = made
	}
	if !given("load") && !given("stage") && !given("depth") {
		return nil
	}
	if given("load") && given("stage") {
		return fmt.Errorf("run: give --load or --stage, not both")
	}
	words := f.stages
	if given("load") {
		words = []string{f.load}
	}
	loads := make([]domain.Load, len(words))
	for i, word := range words {
		if loads[i], err = loadOf(ctx, cl, word, b); err != nil {
			return err
		}
	}
	if given("load") && !given("depth") {
		b["load"] = loads[0]
		return nil
	}
	b["stages"] = stagesOf(loads, f.depths)
	return nil
}

// engineOptions are the settings as JSON has them: numbers as numbers. What is not known or no number is
// told by the program, with its name.
func engineOptions(set map[string]string) map[string]any {
	out := map[string]any{}
	for name, text := range set {
		if n, err := strconv.Atoi(text); err == nil {
			out[name] = n
			continue
		}
		out[name] = text
	}
	return out
}

// stagesOf is every load at every depth; either list may be empty.
func stagesOf(loads []domain.Load, depths []int) []domain.StageInput {
	points := []domain.StageInput{{}}
	if len(loads) > 0 {
		points = nil
		for i := range loads {
			points = append(points, domain.StageInput{Load: &loads[i]})
		}
	}
	if len(depths) == 0 {
		return points
	}
	var out []domain.StageInput
	for _, p := range points {
		for i := range depths {
			p.DepthTokens = &depths[i]
			out = append(out, p)
		}
	}
	return out
}

// loadOf reads a load word. trace:FILE imports the file and makes it the run's dataset.
func loadOf(ctx context.Context, cl *Client, word string, b map[string]any) (domain.Load, error) {
	file, word, isTrace := load.TraceFile(word)
	l, err := load.ParseWord(word)
	if err != nil {
		return l, unreadable("--load", err)
	}
	if !isTrace {
		return l, nil
	}
	d, err := upload(ctx, cl, file, importOptions{format: domain.LoadTrace})
	if err != nil {
		return l, err
	}
	b["dataset_id"] = d.ID
	return l, nil
}

// unreadable says what is wrong with a word, as the server would say it of the field.
func unreadable(what string, err error) error {
	var e *domain.Error
	if errors.As(err, &e) && len(e.Fields) > 0 {
		f := e.Fields[0]
		if field, inside := strings.CutPrefix(f.Location, "body.load."); inside {
			what += ": " + field
		}
		return fmt.Errorf("run: %s: %s", what, f.Message)
	}
	return fmt.Errorf("run: %s: %w", what, err)
}

// made describes made prompts, nil when no flag asks for them.
func (f workFlags) made(given func(string) bool) (*domain.Synthetic, error) {
	in, out := f.input, f.output
	if given("synthetic") {
		a, b, _ := strings.Cut(f.synthetic, ":")
		if _, err := strconv.Atoi(a); err != nil {
			a, b = f.synthetic, "" // a word of its own, such as uniform:128..512
		}
		if given("input-tokens") || b != "" && given("output-tokens") {
			return nil, fmt.Errorf("run: --synthetic says already how long prompts are")
		}
		in = a
		if b != "" {
			out = b
		}
	}
	if in == "" {
		for _, name := range []string{"output-tokens", "shared-prefix", "turns", "prompts"} {
			if given(name) {
				return nil, fmt.Errorf("run: --%s belongs to made prompts; give --synthetic or --input-tokens too", name)
			}
		}
		return nil, nil
	}
	lengths, err := load.ParseLengths(in)
	if err != nil {
		return nil, unreadable("length of prompts", err)
	}
	s := &domain.Synthetic{InputTokens: lengths}
	if out != "" {
		lengths, err := load.ParseLengths(out)
		if err != nil {
			return nil, unreadable("length of answers", err)
		}
		s.OutputTokens = &lengths
	}
	for name, field := range map[string]struct {
		to    **int
		value int
	}{"shared-prefix": {&s.SharedPrefixTokens, f.sharedPrefix}, "turns": {&s.Turns, f.turns}, "prompts": {&s.Prompts, f.prompts}} {
		if given(name) {
			v := field.value
			*field.to = &v
		}
	}
	return s, nil
}
