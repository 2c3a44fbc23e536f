package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// repeat measures one benchmark until its mean over runs is known well enough.
func (e *env) repeat() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "repeat [flags of run]", Short: "Measure one benchmark until its figure is known well enough", Args: cobra.NoArgs,
		Long: "Measure one benchmark again and again, each time with a fresh engine, until the 95 % interval of its mean over runs is as narrow as\n" +
			"asked. It decides at planned numbers of runs alone: who stops at the first good look is wrong too often.",
		Example: "  inferometer repeat --model smollm2-135m --dataset chat-en --requests 5 --target 1\n" +
			"  inferometer repeat --model M --prompt Hello --metric ttft_ms --max-runs 30 --budget 20m"}
	e.runFlags(c.Flags(), &f)
	target := c.Flags().Float64("target", 0, "stop when the interval is so many percent to each side (default 2)")
	least := c.Flags().Int("min-runs", 0, "never stop before so many (default 4)")
	most := c.Flags().Int("max-runs", 0, "stop at so many (default 16)")
	budget := c.Flags().Duration("budget", 0, "begin no further run after so much time of measuring")
	metric := c.Flags().String("metric", "", "which figure, as “compare” names them (default decode_tokens_per_second)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			b, err := f.body(c.Context(), c.Flags().Changed, cl)
			if err != nil {
				return err
			}
			design := map[string]any{}
			put(c.Flags().Changed, design, map[string]field{"target": {"target_percent", *target}, "min-runs": {"min_runs", *least}, "max-runs": {"max_runs", *most},
				"budget": {"budget_s", float64(*budget) / float64(time.Second)}, "metric": {"metric", *metric}})
			return e.experiment(c.Context(), cl, experimentOf(domain.ExperimentRepeat, b, design))
		})
	}
	return c
}
