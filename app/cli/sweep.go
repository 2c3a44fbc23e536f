package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// sweep measures every combination of settings and says which is best, and which cannot be told from it.
func (e *env) sweep() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "sweep --vary SETTING=VALUES [--vary …] [flags of run]", Short: "Measure every combination of settings and find the best", Args: cobra.NoArgs,
		Long: "Measure every combination of the values that are given, block by block: each block holds every combination once, in an order of its own and\n" +
			"with the same prompts, so that drift falls on all alike. What cannot be told from the best is said to be tied with it. Settings: threads,\n" +
			"batch_size, ubatch_size, flash_attention, cache_type (keys and values), cache_type_k, cache_type_v, gpu_layers, context_tokens, concurrency,\n" +
			"max_tokens, prompt_tokens (of made prompts), model_id. 1..8 stands for 1,2,4,8.",
		Example: "  inferometer sweep --model smollm2-135m --dataset chat-en --requests 5 --vary threads=1,2,4 --vary cache_type_k=f16,q8_0\n" +
			"  inferometer sweep --model M --prompt Hello --vary threads=1..16 --refine --repeats 4"}
	e.runFlags(c.Flags(), &f)
	vary := c.Flags().StringArray("vary", nil, "a setting with its values; given again, every combination")
	repeats := c.Flags().Int("repeats", 0, "how often each combination is measured (default 3)")
	refine := c.Flags().Bool("refine", false, "add values between the best ones, round by round")
	most := c.Flags().Int("most-runs", 0, "plan no more than so many runs (default 500)")
	metric := c.Flags().String("metric", "", "which figure decides, as “compare” names them (default decode_tokens_per_second)")
	weights := c.Flags().StringToString("weight", nil, "what the pick is to be good at, such as speed=2,quality=1,memory=1,energy=0.5 (default 1 each)")
	least := c.Flags().Float64("min-effect", 0, "a difference below so many percent is too small to matter (default 2)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			b, err := f.body(c.Context(), c.Flags().Changed, cl)
			if err != nil {
				return err
			}
			design := map[string]any{}
			body := experimentOf(domain.ExperimentSweep, b, design)
			if design["axes"], err = axesOf(*vary); err != nil {
				return err
			}
			if c.Flags().Changed("weight") {
				if design["weights"], err = weightsOf(*weights); err != nil {
					return err
				}
			}
			put(c.Flags().Changed, design, map[string]field{"repeats": {"repeats", *repeats}, "refine": {"refine", *refine}, "most-runs": {"most_runs", *most}, "metric": {"metric", *metric}})
			put(c.Flags().Changed, body, map[string]field{"min-effect": {"min_effect_percent", *least}})
			return e.experiment(c.Context(), cl, body)
		})
	}
	return c
}

// axesOf reads "threads=1,2,4" and "threads=1..8", whose values double.
func axesOf(words []string) ([]map[string]any, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("sweep: give --vary SETTING=VALUES, such as --vary threads=1,2,4")
	}
	axes := []map[string]any{}
	for _, word := range words {
		name, list, ok := strings.Cut(word, "=")
		if !ok || list == "" {
			return nil, fmt.Errorf("sweep: %q is no setting with values; write SETTING=VALUE,VALUE", word)
		}
		values := []any{}
		for _, text := range strings.Split(list, ",") {
			values = append(values, valuesOf(strings.TrimSpace(text))...)
		}
		axes = append(axes, map[string]any{"setting": name, "values": values})
	}
	return axes, nil
}

// valuesOf reads one value of a setting, or "1..8" as 1, 2, 4, 8.
func valuesOf(text string) []any {
	from, to, ok := strings.Cut(text, "..")
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || low < 1 {
		return []any{number(text)}
	}
	var out []any
	for n := low; n < high; n *= 2 {
		out = append(out, n)
	}
	return append(out, high)
}

func weightsOf(words map[string]string) (map[string]any, error) {
	out := map[string]any{}
	for name, text := range words {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("sweep: the weight of %s must be a number, not %q", name, text)
		}
		out[name] = v
	}
	return out, nil
}

// printSweep prints what was found, then a line for each cell, the best first.
func printSweep(w io.Writer, x domain.Experiment) error {
	r := *x.Sweep
	if r.Sentence != "" {
		fmt.Fprintln(w, printable(r.Sentence))
	}
	if r.SpreadPercent != nil {
		fmt.Fprintf(w, "Runs of one cell differ by %.1f %% by chance.\n", *r.SpreadPercent)
	}
	if r.Pick != nil {
		var by []string
		for _, o := range r.Objectives {
			by = append(by, fmt.Sprintf("%s × %g", o.Name, o.Weight))
		}
		fmt.Fprintf(w, "Pick by %s: %s\n", strings.Join(by, ", "), printable(x.Arms[*r.Pick].Name))
	}
	for _, edge := range r.Edges {
		fmt.Fprintf(w, "The best %s is the %s that was tried; what lies beyond may be better still.\n", edge.Setting, edge.End)
	}
	fmt.Fprintln(w)
	shown := shownMetrics(r)
	head := []string{"CELL"}
	for _, i := range shown {
		head = append(head, strings.ToUpper(r.Metrics[i].Key))
	}
	rows := [][]string{append(head, "N", "÷ BEST", "95 % INTERVAL", "P", "VERDICT", "FRONT", "SCORE")}
	for _, i := range byVerdict(r) {
		rows = append(rows, sweepRow(x, i, shown))
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	for i, c := range r.Cells {
		if c.Reason != "" {
			fmt.Fprintf(w, "%s failed: %s\n", printable(x.Arms[i].Name), printable(c.Reason))
		}
	}
	for _, s := range r.LeftOut {
		fmt.Fprintf(w, "Left out: %s: %s\n", settingsWord(s.Settings), s.Reason)
	}
	return nil
}

// shownMetrics are the deciding figure and those that it is weighed against.
func shownMetrics(r domain.SweepResult) []int {
	var out []int
	for _, key := range append([]string{r.Metric, "output_tokens_per_second", "ttft_ms"}, keysOf(r.Objectives)...) {
		i := slices.IndexFunc(r.Metrics, func(m domain.SweepMetric) bool { return m.Key == key })
		if i >= 0 && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

func keysOf(objectives []domain.SweepObjective) []string {
	var keys []string
	for _, o := range objectives {
		keys = append(keys, o.Key)
	}
	return keys
}

// byVerdict are the cells: the best, then the nearest to it, those without a figure last.
func byVerdict(r domain.SweepResult) []int {
	var out []int
	for i := range r.Cells {
		out = append(out, i)
	}
	better := "higher"
	for _, m := range r.Metrics {
		if m.Key == r.Metric {
			better = m.Better
		}
	}
	at := func(i int) float64 {
		v := r.Cells[i].Ratio
		switch {
		case v == nil:
			return -1e9
		case better == "lower":
			return -*v
		}
		return *v
	}
	slices.SortStableFunc(out, func(i, j int) int {
		switch {
		case at(i) > at(j):
			return -1
		case at(i) < at(j):
			return 1
		}
		return 0
	})
	return out
}

func sweepRow(x domain.Experiment, i int, shown []int) []string {
	c := x.Sweep.Cells[i]
	row := []string{printable(x.Arms[i].Name)}
	n := 0
	for _, m := range shown {
		if m >= len(c.Values) || c.Values[m].Mean == nil {
			row = append(row, missing)
			continue
		}
		n = max(n, c.Values[m].N)
		row = append(row, digits(*c.Values[m].Mean)+" "+x.Sweep.Metrics[m].Unit)
	}
	verdict, front := c.Verdict, ""
	if verdict == "none" {
		verdict = string(c.Status)
	}
	if c.Front {
		front = "front"
	}
	if x.Sweep.Pick != nil && *x.Sweep.Pick == i {
		front = "front, pick"
	}
	return append(row, strconv.Itoa(n), opt(c.Ratio, func(v float64) string { return fmt.Sprintf("%.3f", v) }), interval(c.Interval),
		opt(c.P, func(v float64) string { return fmt.Sprintf("%.3f", v) }), verdict, front, opt(c.Score, func(v float64) string { return fmt.Sprintf("%.2f", v) }))
}

// settingsWord is a combination in the words of --vary.
func settingsWord(s domain.SweepSettings) string {
	var parts []string
	add := func(name string, value string) { parts = append(parts, name+"="+value) }
	for _, n := range []struct {
		name string
		v    *int
	}{{"threads", s.Threads}, {"batch_size", s.BatchSize}, {"ubatch_size", s.UBatchSize}, {"gpu_layers", s.GPULayers}, {"context_tokens", s.ContextTokens},
		{"concurrency", s.Concurrency}, {"max_tokens", s.MaxTokens}, {"prompt_tokens", s.PromptTokens}} {
		if n.v != nil {
			add(n.name, strconv.Itoa(*n.v))
		}
	}
	for _, n := range []struct {
		name string
		v    *string
	}{{"flash_attention", s.FlashAttention}, {"cache_type", s.CacheType}, {"cache_type_k", s.CacheTypeK}, {"cache_type_v", s.CacheTypeV}, {"model_id", s.ModelID}} {
		if n.v != nil {
			add(n.name, printable(*n.v))
		}
	}
	return strings.Join(parts, ",")
}
