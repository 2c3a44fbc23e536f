package cli

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/load"
)

// capacity looks for the most users whose objectives hold.
func (e *env) capacity() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "capacity [flags of run]", Short: "Find how many users at a time a persona's objectives hold for", Args: cobra.NoArgs,
		Long: "Find the largest number of users of whom enough requests meet the objectives of a persona, with its 95 % interval. The search doubles\n" +
			"the users until they fail, halves the distance, and repeats what lies at the border. Without prompts of your own each persona sends\n" +
			"made ones of its usual lengths. “inferometer capacity personas” lists them.",
		Example: "  inferometer capacity --model smollm2-135m --persona chat,voice\n" +
			"  inferometer capacity --model M --endpoint http://127.0.0.1:8080 --persona custom --slo 'ttft<800ms,tpot<60ms' --share 90 --synthetic 512:128"}
	e.runFlags(c.Flags(), &f)
	personas := c.Flags().StringSlice("persona", []string{"chat"}, "reading, chat, coding_agent, voice or custom; several with commas")
	share := c.Flags().Float64("share", 0, "so many of 100 requests must meet the objectives (default 95)")
	users := c.Flags().Int("max-users", 0, "try no more (default 32, at an endpoint 256)")
	repeats := c.Flags().Int("repeats", 0, "runs of each number of users near the limit (default 3)")
	think := c.Flags().Duration("think", 0, "pause of a user between an answer and the next message")
	runs := c.Flags().Int("max-runs", 0, "end the search of each persona at so many runs (default 40)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			own := func(flag string) bool { return flag != "requests" && flag != "slo" && c.Flags().Changed(flag) }
			b, err := f.body(c.Context(), own, cl)
			if err != nil {
				return err
			}
			list, err := personasOf(c, *personas, f.slo, *share)
			if err != nil {
				return err
			}
			design := map[string]any{"personas": list}
			put(c.Flags().Changed, design, map[string]field{"max-users": {"max_users", *users}, "repeats": {"repeats", *repeats}, "requests": {"requests", f.requests},
				"think": {"think_time_ms", int(*think / time.Millisecond)}, "max-runs": {"max_runs", *runs}})
			return e.experiment(c.Context(), cl, experimentOf(domain.ExperimentCapacity, b, design))
		})
	}
	c.AddCommand(&cobra.Command{Use: "personas", Short: "List the personas with their objectives", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return show1(c.Context(), e, http.MethodGet, "/api/v1/personas", nil, func(w io.Writer, all []domain.Persona) error {
			rows := [][]string{{"PERSONA", "OBJECTIVES", "SHARE", "TOKENS IN", "OUT"}}
			for _, p := range all {
				rows = append(rows, []string{p.Key, objectiveWords(p.Objectives), opt(p.SharePercent, percent), strconv.Itoa(*p.InputTokens), strconv.Itoa(*p.OutputTokens)})
			}
			return table(w, rows...)
		})
	}})
	return c
}

// personasOf are the personas with what the flags change of each.
func personasOf(c *cobra.Command, keys []string, slo string, share float64) ([]map[string]any, error) {
	var list []map[string]any
	for _, key := range keys {
		p := map[string]any{"key": strings.TrimSpace(key)}
		if c.Flags().Changed("slo") {
			objectives, err := load.ParseObjectives(slo)
			if err != nil {
				return nil, unreadable("--slo", err)
			}
			p["objectives"] = objectives
		}
		if c.Flags().Changed("share") {
			p["share_percent"] = share
		}
		list = append(list, p)
	}
	return list, nil
}

func objectiveWords(list []domain.Objective) string {
	var out []string
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s < %g ms", o.Metric, o.BelowMs))
	}
	return strings.Join(out, ", ")
}

// capacityOutcome is one sentence for each persona.
func capacityOutcome(c domain.CapacityResult) string {
	var out []string
	for _, p := range c.Personas {
		if p.Sentence != "" {
			out = append(out, p.Key+": "+p.Sentence)
		}
	}
	return strings.Join(out, " ")
}

// printCapacity prints each persona's points.
func printCapacity(w io.Writer, c domain.CapacityResult) error {
	for i, p := range c.Personas {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s\n%g %% of the requests must meet %s. Runs of equal load differ %.1f times as much as single requests explain.\n\n",
			p.Key, printable(orWord(p.Sentence, "Nothing was measured yet.")), p.SharePercent, objectiveWords(p.Objectives), p.Spread)
		rows := [][]string{{"USERS", "RUNS", "MET", "SHARE", "95 % INTERVAL", "OBJECTIVES", ""}}
		for _, q := range p.Points {
			share := func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
			in := missing
			if q.Interval != nil {
				in = share(q.Interval[0]) + " … " + share(q.Interval[1])
			}
			rows = append(rows, []string{strconv.Itoa(q.Users), strconv.Itoa(len(q.Runs)), fmt.Sprintf("%d of %d", q.Met, q.Requests), opt(q.Share, share), in, holdsWord(q.Holds), printable(q.Reason)})
		}
		if err := table(w, rows...); err != nil {
			return err
		}
	}
	return nil
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// holdsWord says what is known of a point.
func holdsWord(holds string) string {
	switch holds {
	case "shown":
		return "hold, shown"
	case "likely":
		return "seem to hold"
	case "unlikely":
		return "seem not to hold"
	case "refuted":
		return "do not hold, shown"
	}
	return missing
}
