package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/inferometer/inferometer/backend/domain"
)

// The Quick check: the same as the button of the first-run screen.
const (
	quickDataset   = "chat-en"
	quickRequests  = 5
	quickWarmup    = 2
	quickMaxTokens = 128
)

// cancelGrace bounds the call that cancels a run after Ctrl-C.
const cancelGrace = 30 * time.Second

// runFlags are the flags of run; each one that was given becomes a field of the request.
type runFlags struct {
	workFlags
	model, endpoint, prompt, dataset, repeat, slo, name, notes string
	quick, noGPU                                               bool
	maxTokens, warmup                                          int
	temperature, topP                                          float64
	seed                                                       int64
	duration                                                   time.Duration
	tags                                                       []string
}

func (e *env) run() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "run (--quick | --model ID) [--prompt TEXT | --dataset ID | --synthetic IN:OUT]",
		Short: "Run one benchmark and print its summary", Args: cobra.NoArgs,
		Example: "  inferometer run --model smollm2-135m --dataset chat-en --load sweep:1,2,4,8 --slo 'ttft<500ms,tpot_p95<50ms'\n" +
			"  inferometer run --model M --endpoint http://127.0.0.1:8080 --synthetic 512:128 --load poisson:5/s --duration 60s\n" +
			"  inferometer run --model M --endpoint http://127.0.0.1:11434 --prompt Hello --load 'knee:ttft_p95<500ms'"}
	e.runFlags(c.Flags(), &f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			body, err := f.body(c.Context(), c.Flags().Changed, cl)
			if err != nil {
				return err
			}
			if body["repeat"] == "auto" {
				return e.experiment(c.Context(), cl, experimentOf(domain.ExperimentRepeat, body, nil))
			}
			return e.benchmark(c.Context(), cl, "/api/v1/benchmarks", body)
		})
	}
	return c
}

// runFlags registers the flags that make the body of a benchmark.
func (e *env) runFlags(fl *pflag.FlagSet, f *runFlags) {
	f.register(fl)
	fl.BoolVar(&f.quick, "quick", false, "Quick check: five requests on the starter model, no settings")
	fl.StringVar(&f.model, "model", "", "model id")
	fl.StringVar(&f.endpoint, "endpoint", "", "address or id of an endpoint")
	fl.StringVar(&f.prompt, "prompt", "", "the text to send")
	fl.StringVar(&f.dataset, "dataset", "", "id of a dataset")
	fl.IntVar(&f.maxTokens, "max-tokens", 0, "most output tokens of a request (default 128)")
	fl.Float64Var(&f.temperature, "temperature", 0, "sampling temperature (default 0.7)")
	fl.Float64Var(&f.topP, "top-p", 0, "nucleus sampling (default 0.9)")
	fl.Int64Var(&f.seed, "seed", 0, "seed (default: drawn and stored)")
	fl.BoolVar(&f.noGPU, "no-gpu", false, "run on the CPU")
	fl.DurationVar(&f.duration, "duration", 0, "stop after this time, such as 30s, in each stage")
	fl.IntVar(&f.warmup, "warmup", 0, "discarded requests before measuring (default 1)")
	fl.StringVar(&f.repeat, "repeat", "", "repetitions; auto: runs until the figures are known to ± 2 % (see also “repeat”)")
	fl.StringVar(&f.slo, "slo", "", "service objectives, such as ttft<500ms,tpot_p95<50ms")
	fl.StringVar(&f.name, "name", "", "name of the run")
	fl.StringVar(&f.notes, "notes", "", "notes on the run")
	fl.StringSliceVar(&f.tags, "tag", nil, "tag of the run; may be given again")
}

// body turns the flags that were given into a request body.
func (f runFlags) body(ctx context.Context, given func(string) bool, cl *Client) (map[string]any, error) {
	b := map[string]any{}
	if f.quick {
		if err := f.quickBody(ctx, cl, b); err != nil {
			return nil, err
		}
	}
	put(given, b, map[string]field{
		"model": {"model_id", f.model}, "prompt": {"prompt", f.prompt}, "dataset": {"dataset_id", f.dataset},
		"max-tokens": {"max_tokens", f.maxTokens}, "temperature": {"temperature", f.temperature},
		"top-p": {"top_p", f.topP}, "seed": {"seed", f.seed}, "no-gpu": {"use_gpu", !f.noGPU},
		"warmup": {"warmup", f.warmup}, "name": {"name", f.name}, "notes": {"notes", f.notes}, "tag": {"tags", f.tags},
		"slo": {"slo", f.slo},
	})
	if given("repeat") {
		b["repeat"] = number(f.repeat)
	}
	if given("prompt") {
		delete(b, "dataset_id") // a prompt of one's own replaces the quick check's dataset
		if given("dataset") {
			b["dataset_id"] = f.dataset
		}
	}
	f.stop(given, b)
	if err := f.into(ctx, given, cl, b); err != nil {
		return nil, err
	}
	if given("endpoint") {
		id, err := endpointID(ctx, cl, f.endpoint)
		if err != nil {
			return nil, err
		}
		b["endpoint_id"] = id
	}
	if b["model_id"] == nil {
		return nil, fmt.Errorf("run: give --model ID or --quick")
	}
	return b, nil
}

func (f runFlags) stop(given func(string) bool, b map[string]any) {
	stop := map[string]any{}
	if old, ok := b["stop"].(map[string]any); ok && !given("duration") && !given("tokens") && !given("confidence") {
		stop = old // the quick check's number of requests
	}
	put(given, stop, map[string]field{
		"requests": {"requests", f.requests}, "duration": {"duration_s", f.duration.Seconds()},
		"tokens": {"tokens", f.tokens}, "errors": {"errors", f.errors},
		"confidence": {"confidence_percent", f.confidence},
	})
	delete(b, "stop")
	if len(stop) > 0 {
		b["stop"] = stop
	}
}

// quickBody fills in the Quick check; flags given beside --quick change it.
func (f runFlags) quickBody(ctx context.Context, cl *Client, b map[string]any) error {
	models, err := call[[]domain.Model](ctx, cl, http.MethodGet, "/api/v1/models", nil)
	if err != nil {
		return err
	}
	for _, m := range models {
		if m.EndpointID == nil && (b["model_id"] == nil || m.Default) {
			b["model_id"] = m.ID
		}
	}
	if b["model_id"] == nil && f.model == "" {
		return fmt.Errorf("no model is installed yet; run “inferometer setup” first")
	}
	b["dataset_id"], b["warmup"], b["max_tokens"] = quickDataset, quickWarmup, quickMaxTokens
	b["temperature"], b["name"] = 0.0, "Quick check"
	b["stop"] = map[string]any{"requests": quickRequests}
	return nil
}

// number passes whole numbers on as such and everything else as the text it is, so that the server
// judges it.
func number(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}

// endpointID finds an endpoint by id or address, and adds an address that is new.
func endpointID(ctx context.Context, cl *Client, text string) (string, error) {
	es, err := call[[]domain.Endpoint](ctx, cl, http.MethodGet, "/api/v1/endpoints", nil)
	if err != nil {
		return "", err
	}
	plain := func(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "/"), "/v1") }
	for _, x := range es {
		if x.ID == text || x.Name == text || plain(x.BaseURL) == plain(text) {
			return x.ID, nil
		}
	}
	if !strings.Contains(text, "://") {
		return "", fmt.Errorf("run: there is no endpoint %q; see “inferometer endpoints”", text)
	}
	x, err := call[domain.Endpoint](ctx, cl, http.MethodPost, "/api/v1/endpoints", map[string]any{"base_url": text})
	return x.ID, err
}

// benchmark starts a job by a call to start, shows its progress and prints what came of it.
func (e *env) benchmark(ctx context.Context, cl *Client, start string, body any) error {
	events, err := cl.follow(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	job, err := call[domain.Run](ctx, cl, http.MethodPost, start, body)
	if err != nil {
		return err
	}
	e.watch(ctx, events, job)
	path := jobPath(string(job.ID))
	end := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		fmt.Fprintln(e.io.Err, "Stopping; what was measured is kept.")
		stopCtx, done := context.WithTimeout(end, cancelGrace)
		defer done()
		if _, err := cl.Raw(stopCtx, http.MethodPost, path+"/cancel", nil); err != nil {
			return err
		}
	}
	raw, err := cl.Raw(end, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &job); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	if err := e.print(raw, func(w writer) error { return printRun(w, job) }); err != nil {
		return err
	}
	if job.Status != domain.StatusCompleted {
		return ErrReported
	}
	return nil
}
