package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// tune looks for settings of the engine that beat the default ones.
func (e *env) tune() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "tune [flags of run]", Short: "Look for engine settings that beat the default ones", Args: cobra.NoArgs,
		Long: "Look for settings of the embedded engine that beat the default ones. Rounds measure all candidates in turns and keep the better half;\n" +
			"then the last one and the default are measured in pairs of their own, and these alone decide: who won the rounds was lucky too.\n" +
			"“No significant gain: keep the defaults” is a result.",
		Example: "  inferometer tune --model smollm2-135m --dataset chat-en --requests 5\n" +
			"  inferometer tune --model M --prompt Hello --try threads=4,8,16 --try flash_attention=on,off --pairs 10\n" +
			"  inferometer tune --model M --prompt Hello --settings threads,cache_type_k --candidates 8"}
	e.runFlags(c.Flags(), &f)
	settings := c.Flags().StringSlice("settings", nil, "which settings to try: threads, batch_size, ubatch_size, flash_attention, cache_type_k,\ncache_type_v, gpu_layers (default: as the machine suggests)")
	try := c.Flags().StringArray("try", nil, "values of one setting, such as threads=4,8; may be given again")
	candidates := c.Flags().Int("candidates", 0, "most sets of settings that are tried (default 16)")
	eta := c.Flags().Int("eta", 0, "each round keeps one in so many, 2 or 3 (default 2)")
	rounds := c.Flags().Int("rounds", 0, "most rounds (default: as many as it takes)")
	pairs := c.Flags().Int("pairs", 0, "how often the final measures both (default 8)")
	metric := c.Flags().String("metric", "", "what is to get better (default decode_tokens_per_second; with several users output_tokens_per_second)")
	least := c.Flags().Float64("min-effect", 0, "a gain below so many percent is too small to matter (default 2)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			b, err := f.body(c.Context(), c.Flags().Changed, cl)
			if err != nil {
				return err
			}
			values, err := triedValues(*try)
			if err != nil {
				return err
			}
			design := map[string]any{}
			if len(values) > 0 {
				design["values"] = values
			}
			put(c.Flags().Changed, design, map[string]field{"settings": {"settings", *settings}, "candidates": {"candidates", *candidates}, "eta": {"eta", *eta},
				"rounds": {"rounds", *rounds}, "pairs": {"pairs", *pairs}, "metric": {"metric", *metric}})
			body := experimentOf(domain.ExperimentTune, b, design)
			put(c.Flags().Changed, body, map[string]field{"min-effect": {"min_effect_percent", *least}})
			return e.experiment(c.Context(), cl, body)
		})
	}
	return c
}

// triedValues reads "threads=4,8".
func triedValues(try []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range try {
		key, list, ok := strings.Cut(text, "=")
		if !ok || list == "" {
			return nil, fmt.Errorf("tune: %q gives no values; write SETTING=VALUE,VALUE", text)
		}
		var values []any
		for _, v := range strings.Split(list, ",") {
			values = append(values, valuesOf(v)...)
		}
		out[key] = values
	}
	return out, nil
}

// printTune prints the rounds, best first, and the final.
func printTune(w io.Writer, x domain.Experiment) error {
	t := *x.Tune
	fmt.Fprintln(w, printable(t.Sentence))
	if t.Verdict == "use" && len(t.Worse) > 0 {
		fmt.Fprintf(w, "Caution: worse with them: %s.\n", strings.Join(t.Worse, ", "))
	}
	if t.Settings != nil && t.Answers {
		fmt.Fprintln(w, "Caution: these settings change what the model answers.")
	}
	if t.Settings != nil {
		fmt.Fprintf(w, "Measure with them: --set %s\n", setOf(*t.Settings))
	}
	fmt.Fprintln(w)
	rows := [][]string{{"ROUND", "SETTINGS", "RUNS", "SO FAR", "GAIN", ""}}
	for i, r := range t.Rounds {
		for _, c := range r.Candidates {
			state := c.State
			if c.State == "failed" {
				state += ": " + c.Reason
			}
			rows = append(rows, []string{strconv.Itoa(i + 1), printable(x.Arms[c.Arm].Name), strconv.Itoa(c.Runs), opt(c.Value, digits) + " " + t.Unit,
				opt(c.Percent, func(v float64) string { return fmt.Sprintf("%+.1f %%", v) }), printable(state)})
		}
	}
	if err := table(w, rows...); err != nil || t.Final == nil {
		return err
	}
	fmt.Fprintln(w, "\nThe final:")
	return printComparison(w, *t.Final)
}

// setOf writes settings as --set reads them.
func setOf(o domain.EngineOptions) string {
	var out []string
	number := func(name string, v *int) {
		if v != nil {
			out = append(out, fmt.Sprintf("%s=%d", name, *v))
		}
	}
	word := func(name string, v *string) {
		if v != nil {
			out = append(out, name+"="+*v)
		}
	}
	number("threads", o.Threads)
	number("batch_size", o.BatchSize)
	number("ubatch_size", o.UBatchSize)
	word("flash_attention", o.FlashAttention)
	word("cache_type_k", o.CacheTypeK)
	word("cache_type_v", o.CacheTypeV)
	number("gpu_layers", o.GPULayers)
	number("context_tokens", o.ContextTokens)
	return strings.Join(out, ",")
}
