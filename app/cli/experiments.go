package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

const experimentsPath = "/api/v1/experiments"

func (e *env) compare() *cobra.Command {
	c := &cobra.Command{Use: "compare ID ID…", Short: "Hold stored runs against one another, run by run", Args: cobra.MinimumNArgs(2),
		Long: "Hold stored runs against one another. Runs that were measured alike stand on one side; ID,ID puts these on a side of their own.\n" +
			"The first side is the baseline. A verdict needs three runs a side; runs that were not measured in turns carry whatever drifted in\n" +
			"between. For a verdict to rely on, measure with “inferometer ab”."}
	least := c.Flags().Float64("min-effect", 2, "a difference below so many percent is too small to matter")
	load := c.Flags().String("load", "", "compare runs of several stages at this one, such as closed:8 (default: the one that each is spoken of by)")
	judge := c.Flags().StringSlice("judge", nil, "figures that get a verdict, with commas; with each further one a difference is harder to show")
	c.RunE = func(c *cobra.Command, args []string) error {
		body := map[string]any{"min_effect_percent": *least}
		if *load != "" {
			body["load"] = *load
		}
		if len(*judge) > 0 {
			body["judged"] = *judge
		}
		if strings.Contains(strings.Join(args, " "), ",") {
			sides := make([]map[string]any, len(args))
			for i, a := range args {
				sides[i] = map[string]any{"runs": strings.Split(a, ",")}
			}
			body["sides"] = sides
		} else {
			body["runs"] = args
		}
		return show1(c.Context(), e, http.MethodPost, "/api/v1/comparisons", body, printComparison)
	}
	return c
}

func (e *env) ab() *cobra.Command {
	var f runFlags
	c := &cobra.Command{Use: "ab --arm SETTINGS --arm SETTINGS [flags of run]", Short: "Measure two to four arms in turns and say which is faster", Args: cobra.NoArgs,
		Long: "Measure two to four arms in turns, in random order, with the same prompts, and hold them against the first one. An arm is settings\n" +
			"that differ from the flags of run: model=ID, endpoint=URL, no-gpu=true, engine=BUILD or those of --set, with commas between them; NAME: gives it a\n" +
			"name.",
		Example: "  inferometer ab --dry-run --model smollm2-135m --prompt Hello --arm threads=1 --arm threads=2\n" +
			"  inferometer ab --model smollm2-135m --dataset chat-en --requests 5 --arm threads=1 --arm threads=2\n" +
			"  inferometer ab --prompt Hello --arm 'Q4: model=tiny-q4' --arm 'Q8: model=tiny-q8' --pairs 10"}
	e.runFlags(c.Flags(), &f)
	arms := c.Flags().StringArray("arm", nil, "settings of one arm; the first is the baseline")
	pairs := c.Flags().Int("pairs", 0, "how often each arm is measured (default 8; a verdict needs 6)")
	least := c.Flags().Float64("min-effect", 0, "a difference below so many percent is too small to matter (default 2)")
	dry := c.Flags().Bool("dry-run", false, "say how small a difference this would find and how long it would take, and measure nothing")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.with(c.Context(), func(cl *Client) error {
			body := map[string]any{}
			given := c.Flags().Changed
			put(given, body, map[string]field{"name": {"name", f.name}, "pairs": {"pairs", *pairs}, "min-effect": {"min_effect_percent", *least}, "seed": {"seed", f.seed}})
			common := func(flag string) bool { return flag != "name" && flag != "seed" && given(flag) }
			var list []map[string]any
			for _, text := range *arms {
				arm, err := armOf(c.Context(), cl, f, common, text)
				if err != nil {
					return err
				}
				list = append(list, arm)
			}
			body["arms"] = list
			for _, arm := range list { // between runs, not only inside them
				if b, ok := arm["benchmark"].(map[string]any); ok && b["rest"] != nil {
					body["rest"] = b["rest"]
					delete(b, "rest")
				}
			}
			if *dry {
				raw, err := cl.Raw(c.Context(), http.MethodPost, "/api/v1/estimates", body)
				if err != nil {
					return err
				}
				var x domain.ExperimentEstimate
				if err := json.Unmarshal(raw, &x); err != nil {
					return fmt.Errorf("read estimate: %w", err)
				}
				return e.print(raw, func(w io.Writer) error { return printEstimate(w, x) })
			}
			return e.experiment(c.Context(), cl, body)
		})
	}
	return c
}

func printEstimate(w io.Writer, x domain.ExperimentEstimate) error {
	fmt.Fprintln(w, x.Sentence)
	takes := "how long they take is not known"
	if x.Seconds != nil {
		takes = "about " + (time.Duration(*x.Seconds) * time.Second).String()
	}
	_, err := fmt.Fprintf(w, "%d runs, %s.\n", x.Total, takes)
	return err
}

// armOf reads one arm: "NAME: key=value,key=value".
func armOf(ctx context.Context, cl *Client, f runFlags, given func(string) bool, text string) (map[string]any, error) {
	name, settings, named := strings.Cut(text, ": ")
	if !named {
		name, settings = text, text
	}
	set := maps.Clone(f.set)
	if set == nil {
		set = map[string]string{}
	}
	changed := map[string]bool{}
	for _, pair := range strings.Split(settings, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			return nil, fmt.Errorf("ab: %q is no setting of an arm; write KEY=VALUE", pair)
		}
		switch key {
		case "model":
			f.model = value
		case "endpoint":
			f.endpoint = value
		case "no-gpu":
			f.noGPU = value == "true"
		case "engine": // a build of it
			set["build"] = value
			continue
		default:
			set[key] = value
			continue
		}
		changed[key] = true
	}
	f.set = set
	b, err := f.body(ctx, func(flag string) bool { return changed[flag] || given(flag) }, cl)
	if err != nil {
		return nil, err
	}
	return map[string]any{"name": name, "benchmark": b}, nil
}

// experiment starts an experiment, shows how far it is, and prints what came of it.
func (e *env) experiment(ctx context.Context, cl *Client, body any) error {
	events, err := cl.follow(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	x, err := call[domain.Experiment](ctx, cl, http.MethodPost, experimentsPath, body)
	if err != nil {
		return err
	}
	path := experimentsPath + "/" + url.PathEscape(x.ID)
	fmt.Fprintf(e.io.Err, "%s: %d runs at most (%s)\n", printable(x.Name), x.Most, x.ID)
	if err := e.followExperiment(ctx, cl, events, &x, path); err != nil {
		return err
	}
	x, err = concluded(ctx, e, cl, path, printExperiment)
	if err == nil && x.Status != domain.StatusCompleted {
		err = ErrReported
	}
	return err
}

// concluded stops what is still going on if the command was, and prints what came of it.
func concluded[T any](ctx context.Context, e *env, cl *Client, path string, show func(io.Writer, T) error) (T, error) {
	var out T
	end := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		fmt.Fprintln(e.io.Err, "Stopping; what was measured is kept.")
		stop, done := context.WithTimeout(end, cancelGrace)
		defer done()
		if _, err := cl.Raw(stop, http.MethodPost, path+"/cancel", nil); err != nil {
			return out, err
		}
	}
	raw, err := cl.Raw(end, http.MethodGet, path, nil)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("read answer: %w", err)
	}
	return out, e.print(raw, func(w io.Writer) error { return show(w, out) })
}

// followExperiment prints a line for each run that ends, until the last one has.
func (e *env) followExperiment(ctx context.Context, cl *Client, events *eventStream, x *domain.Experiment, path string) error {
	for x.Status == domain.StatusQueued || x.Status == domain.StatusRunning {
		select {
		case <-ctx.Done():
			return nil
		case ev, open := <-events.ch:
			if !open {
				return fmt.Errorf("the program ended while the experiment ran")
			}
			if ev.Kind != domain.EventRunFinished {
				continue
			}
		}
		next, err := call[domain.Experiment](context.WithoutCancel(ctx), cl, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		*x = next
		line := fmt.Sprintf("%d of %d runs", x.Done, x.Most)
		if said := outcome(*x); said != "" {
			line += " · " + said
		}
		fmt.Fprintln(e.io.Err, printable(line))
	}
	return nil
}

func (e *env) experiments() *cobra.Command {
	c := &cobra.Command{Use: "experiments [ID]", Short: "List experiments, or show one", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return show1(c.Context(), e, http.MethodGet, experimentsPath+"/"+url.PathEscape(args[0]), nil, printExperiment)
			}
			return show1(c.Context(), e, http.MethodGet, experimentsPath, nil, func(w io.Writer, xs []domain.Experiment) error {
				rows := [][]string{{"ID", "STATUS", "RUNS", "CREATED", "NAME"}}
				for _, x := range xs {
					rows = append(rows, []string{x.ID, string(x.Status), fmt.Sprintf("%d of %d", x.Done, x.Total), x.CreatedAt.Local().Format("2006-01-02 15:04"), printable(x.Name)})
				}
				return table(w, rows...)
			})
		}}
	c.AddCommand(e.idVerb("cancel", "Stop an experiment; what was measured is kept", http.MethodPost, experimentsPath+"/", "/cancel", "Canceled."),
		e.idVerb("resume", "Go on with an experiment that was stopped or failed", http.MethodPost, experimentsPath+"/", "/resume", "Going on."),
		e.idVerb("rm", "Forget an experiment; its runs stay", http.MethodDelete, experimentsPath+"/", "", "Removed; its runs stay."))
	return c
}

func (e *env) trends() *cobra.Command {
	c := &cobra.Command{Use: "trends", Short: "Show where a figure moved to another level over time", Args: cobra.NoArgs}
	metric := c.Flags().String("metric", "decode_tokens_per_second", "which figure, as “compare” names them")
	model := c.Flags().String("model", "", "one model only")
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := url.Values{"metric": {*metric}}
		if *model != "" {
			q.Set("model", *model)
		}
		return show1(c.Context(), e, http.MethodGet, "/api/v1/trends?"+q.Encode(), nil, printTrends)
	}
	return c
}

func printTrends(w io.Writer, ts []domain.Trend) error {
	for _, t := range ts {
		last := t.Points[len(t.Points)-1]
		fmt.Fprintf(w, "%s · %s · %s: %d runs, last %s %s\n", printable(t.Model), printable(t.Engine), printable(t.Load), len(t.Points), digits(last.Value), t.Unit)
		for _, x := range t.Changes {
			fmt.Fprintf(w, "  %s  %s by %+.1f %%, from %s to %s %s, p = %.3f  %s", x.At.Local().Format("2006-01-02 15:04"), x.Direction, x.Percent, digits(x.Before), digits(x.After), t.Unit, x.P, x.Run)
			fmt.Fprintln(w)
			for _, d := range x.Differs {
				fmt.Fprintf(w, "      %s: %s → %s\n", d.Key, printable(cmp.Or(d.Values[0], missing)), printable(cmp.Or(d.Values[1], missing)))
			}
		}
	}
	if len(ts) == 0 {
		fmt.Fprintln(w, "Nothing was measured twice yet.")
	}
	return nil
}

func printExperiment(w io.Writer, x domain.Experiment) error {
	fmt.Fprintf(w, "%s\n%s · %d of %d runs · seed %d · %s\n", printable(x.Name), x.Status, x.Done, x.Total, x.Seed, x.ID)
	if x.Ended != nil && x.Ended.Message != "" {
		fmt.Fprintln(w, printable(x.Ended.Message))
	}
	fmt.Fprintln(w)
	switch {
	case x.Repeat != nil:
		return printRepeat(w, *x.Repeat)
	case x.Sweep != nil:
		return printSweep(w, x)
	case x.Tune != nil:
		return printTune(w, x)
	case x.Capacity != nil:
		return printCapacity(w, *x.Capacity)
	case x.Comparison == nil:
		fmt.Fprintln(w, "No block is complete yet.")
		return nil
	}
	return printComparison(w, *x.Comparison)
}

// outcome is what an experiment has come to so far, in a sentence.
func outcome(x domain.Experiment) string {
	switch {
	case x.Comparison != nil:
		return x.Comparison.Sentence
	case x.Repeat != nil:
		return x.Repeat.Sentence
	case x.Sweep != nil:
		return x.Sweep.Sentence
	case x.Tune != nil:
		return x.Tune.Sentence
	case x.Capacity != nil:
		return capacityOutcome(*x.Capacity)
	}
	return ""
}

// printRepeat prints how the interval got narrower.
func printRepeat(w io.Writer, r domain.RepeatResult) error {
	fmt.Fprintln(w, printable(r.Sentence))
	if r.WithinPercent != nil && r.BetweenPercent != nil {
		fmt.Fprintf(w, "Requests of a run differ by %.1f %%, runs by %.1f %%.", *r.WithinPercent, *r.BetweenPercent)
		switch r.Advice {
		case "more_requests":
			fmt.Fprint(w, " More requests a run would narrow it sooner.")
		case "more_runs":
			fmt.Fprint(w, " More runs would narrow it, more requests hardly.")
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	rows := [][]string{{"RUN", "VALUE", "MEAN", "INTERVAL", "±", ""}}
	for i, p := range r.Points {
		look := ""
		if p.Look {
			look = "look"
		}
		rows = append(rows, []string{strconv.Itoa(i + 1), digits(p.Value) + " " + r.Unit, digits(p.Mean), interval(p.Interval), opt(p.Percent, func(v float64) string { return fmt.Sprintf("%.1f %%", v) }), look})
	}
	return table(w, rows...)
}

// printComparison prints the sentence, then a line for each metric and side.
func printComparison(w io.Writer, c domain.Comparison) error {
	fmt.Fprintln(w, printable(c.Sentence))
	if text := becauseOf(c); text != "" {
		fmt.Fprintln(w, "Why: "+printable(text))
	}
	for _, wn := range c.Warnings {
		fmt.Fprintln(w, "Caution: "+wn.Message)
	}
	for _, o := range c.Odd {
		what := fmt.Sprintf("run %d", o.Place+1)
		if c.Paired {
			what = fmt.Sprintf("pair %d", o.Place+1)
		}
		fmt.Fprintf(w, "Look at %s of %s (%s): its %s is %+.0f %% off the middle of the others.\n", what, printable(c.Sides[o.Side].Name), o.Run, o.Metric, o.Percent)
	}
	fmt.Fprintln(w)
	rows := [][]string{{"METRIC", "SIDE", "MEAN", "95 % INTERVAL", "N", "RATIO", "95 % INTERVAL", "P", "VERDICT"}}
	for _, m := range c.Metrics {
		for i, v := range m.Values {
			row := []string{m.Key, printable(c.Sides[i].Name), opt(v.Mean, digits) + " " + m.Unit, interval(v.Interval), strconv.Itoa(v.N), "", "", "", ""}
			if f := v.Effect; f != nil {
				row[5], row[6], row[8] = fmt.Sprintf("%.3f", f.Ratio), interval(f.Interval), strings.ReplaceAll(f.Verdict, "_", " ")
				if p := f.AdjustedP; p != nil {
					row[7] = fmt.Sprintf("%.3f", *p)
				}
			} else if i == c.Baseline {
				row[8] = "baseline"
			}
			rows = append(rows, row)
		}
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	if len(c.Differs) > 0 {
		fmt.Fprintln(w, "\nWhat differs:")
	}
	for _, d := range c.Differs {
		fmt.Fprintf(w, "  %-28s %s\n", d.Key, printable(strings.Join(d.Values, " | ")))
	}
	return nil
}

func becauseOf(c domain.Comparison) string {
	parts := make([]string, len(c.Why))
	for i, k := range c.Why {
		parts[i] = k.Text
	}
	return strings.Join(parts, " ")
}

func interval(in *domain.Interval) string {
	if in == nil {
		return missing
	}
	return digits(in[0]) + " … " + digits(in[1])
}

// digits prints a figure with four digits that count.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', max(0, 3-int(math.Floor(math.Log10(math.Abs(v))))), 64)
}

// experimentOf is the body of an experiment of a kind over the benchmark of a body; its design may be nil.
func experimentOf(kind string, b, design map[string]any) map[string]any {
	out := map[string]any{"kind": kind, "benchmark": b}
	if kind == domain.ExperimentRepeat {
		delete(b, "repeat")
	}
	for _, key := range []string{"name", "seed", "rest"} {
		if v, ok := b[key]; ok {
			out[key] = v
			delete(b, key)
		}
	}
	if design != nil {
		out[kind] = design
	}
	return out
}
