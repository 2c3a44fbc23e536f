package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

const qualityPath = "/api/v1/quality"

func (e *env) quality() *cobra.Command {
	c := &cobra.Command{Use: "quality [ID]", Short: "List measurements of quality, or show one", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return show1(c.Context(), e, http.MethodGet, qualityPath+"/"+url.PathEscape(args[0]), nil, printQuality)
			}
			return show1(c.Context(), e, http.MethodGet, qualityPath, nil, func(w io.Writer, qs []domain.Quality) error {
				rows := [][]string{{"ID", "STATUS", "KIND", "LANGUAGE", "MODEL", "RESULT", "CREATED"}}
				for _, q := range qs {
					rows = append(rows, []string{q.ID, string(q.Status), string(q.Kind), q.Language, printable(q.ModelID), qualityLine(q), when(q.CreatedAt)})
				}
				return table(w, rows...)
			})
		}}
	c.AddCommand(e.measureQuality(),
		e.idVerb("cancel", "Stop a measurement; what was measured is kept", http.MethodPost, qualityPath+"/", "/cancel", "Canceled."),
		e.idVerb("rm", "Forget a measurement that has ended", http.MethodDelete, qualityPath+"/", "", "Removed."))
	return c
}

func (e *env) measureQuality() *cobra.Command {
	c := &cobra.Command{Use: "measure", Args: cobra.NoArgs, Short: "Measure how good a model's answers are",
		Long: "tasks asks 40 questions with one right answer and tells a broken chat template as broken.\n" +
			"perplexity tells how well the model predicts texts, divergence how far it is from a reference of\n" +
			"the same tokenizer, such as a larger quant; both need llama-server.",
		Example: "  inferometer quality measure --model smollm2-135m-instruct-q4_1\n" +
			"  inferometer quality measure --kind divergence --model small-q4 --reference small-q8 --language pt-BR"}
	kind := c.Flags().String("kind", string(domain.QualityTasks), "tasks, perplexity or divergence")
	model := c.Flags().String("model", "", "model id (required)")
	endpoint := c.Flags().String("endpoint", "", "id of an endpoint that serves the model")
	language := c.Flags().String("language", "en", "of questions and texts: en or pt-BR")
	reference := c.Flags().String("reference", "", "id of the model that divergence is measured from")
	c.RunE = func(c *cobra.Command, _ []string) error {
		body := map[string]any{"kind": *kind, "model_id": *model, "language": *language}
		if *endpoint != "" {
			body["endpoint_id"] = *endpoint
		}
		if *reference != "" {
			body["reference_model_id"] = *reference
		}
		return e.with(c.Context(), func(cl *Client) error { return e.followQuality(c.Context(), cl, body) })
	}
	return c
}

// followQuality starts a measurement, shows how far it is, and prints what came of it.
func (e *env) followQuality(ctx context.Context, cl *Client, body any) error {
	events, err := cl.follow(ctx)
	if err != nil {
		return err
	}
	defer events.Close()
	q, err := call[domain.Quality](ctx, cl, http.MethodPost, qualityPath, body)
	if err != nil {
		return err
	}
	path := qualityPath + "/" + url.PathEscape(q.ID)
	if !e.watchQuality(ctx, events, &q) {
		return fmt.Errorf("the program ended while the measurement ran")
	}
	d, err := concluded(ctx, e, cl, path, printQuality)
	if err == nil && d.Status != domain.StatusCompleted {
		err = ErrReported
	}
	return err
}

// watchQuality prints progress until the measurement has ended or ctx has; false when the stream broke.
func (e *env) watchQuality(ctx context.Context, events *eventStream, q *domain.Quality) bool {
	p := progress{w: e.io.Err, rewrite: e.io.Terminal}
	defer p.end()
	for !q.Status.Ended() {
		select {
		case <-ctx.Done():
			return true
		case ev, open := <-events.ch:
			if !open {
				return false
			}
			var x domain.Quality
			if ev.Kind != domain.EventQuality || ev.data(&x) != nil || x.ID != q.ID {
				continue
			}
			*q = x
			p.quality(x)
		}
	}
	return true
}

func (p *progress) quality(q domain.Quality) {
	if q.Progress == nil || !p.due(domain.Phase(q.Progress.Note)) {
		return
	}
	line := q.Progress.Note
	if t := q.Progress.Total; t != nil {
		line = fmt.Sprintf("%s  %d of %d", line, q.Progress.Done, *t)
	}
	p.line(printable(line))
}

// qualityLine is what a measurement came to, in short.
func qualityLine(q domain.Quality) string {
	s := q.Summary
	switch {
	case s == nil:
		return missing
	case s.Tasks != nil:
		return taskLine(*s.Tasks)
	case s.Perplexity != nil:
		return fmt.Sprintf("perplexity %s (%s)", digits(s.Perplexity.Value), interval(s.Perplexity.Interval))
	case s.Divergence != nil:
		return fmt.Sprintf("KL ≥ %s nats, same top token %.1f %%", digits(s.Divergence.KL), s.Divergence.SameTop)
	}
	return missing
}

func taskLine(t domain.TaskScore) string {
	switch t.Verdict {
	case "broken":
		return fmt.Sprintf("broken: %d of %d right", t.Right, t.Asked)
	case "scored":
		return fmt.Sprintf("%d of %d (%.0f %%, %.0f–%.0f %%)", t.Right, t.Asked, *t.Percent, t.Interval[0], t.Interval[1])
	}
	return "no answer"
}

// printQuality prints what a measurement came to, then its parts.
func printQuality(w io.Writer, d domain.QualityDetail) error {
	fmt.Fprintf(w, "%s · %s · %s\n%s · %s\n", printable(d.ModelID), d.Kind, d.Language, d.Status, d.ID)
	if d.ReferenceModelID != nil {
		fmt.Fprintf(w, "against %s\n", printable(*d.ReferenceModelID))
	}
	if d.Error != nil {
		fmt.Fprintf(w, "\n%s\n", printable(strings.TrimSpace(d.Error.Message+" "+d.Error.Hint)))
	}
	if d.Summary == nil {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", qualityLine(d.Quality))
	switch {
	case d.Summary.Tasks != nil:
		return printTasks(w, *d.Summary.Tasks, d.Answers)
	case d.Summary.Perplexity != nil:
		fmt.Fprintf(w, "%.3f bits a byte · %d tokens of %d texts\n", d.Summary.Perplexity.BitsPerByte, d.Summary.Perplexity.Tokens, d.Summary.Perplexity.Texts)
	case d.Summary.Divergence != nil:
		printDivergence(w, *d.Summary.Divergence)
	}
	return printTexts(w, d.Texts)
}

func printTasks(w io.Writer, s domain.TaskScore, answers []domain.QualityAnswer) error {
	for _, b := range s.Broken {
		fmt.Fprintf(w, "Broken: %s in %d of %d answers: %s\n", strings.ReplaceAll(b.Code, "_", " "), b.Answers, b.Of, printable(b.Example))
	}
	if s.Failed > 0 {
		fmt.Fprintf(w, "Failed requests, which do not count: %d\n", s.Failed)
	}
	for _, g := range s.Groups {
		fmt.Fprintf(w, "  %-14s %d of %d\n", g.Name, g.Right, g.Asked)
	}
	fmt.Fprintln(w)
	rows := [][]string{{"TASK", "", "EXPECTED", "ANSWER"}}
	for _, a := range answers {
		mark := "right"
		if !a.Right {
			mark = "wrong"
		}
		rows = append(rows, []string{a.Task, mark, brief(a.Expected), brief(a.Answer)})
	}
	return table(w, rows...)
}

// brief is a text in one line of a table.
func brief(s string) string {
	s = strings.Join(strings.Fields(printable(s)), " ")
	if r := []rune(s); len(r) > 48 {
		return string(r[:47]) + "…"
	}
	return s
}

func printDivergence(w io.Writer, v domain.Divergence) {
	fmt.Fprintf(w, "KL mean %s (%s) · median %s · p99 %s · most %s nats, a lower bound: %.1f %% of the reference's probability is compared token by token\n",
		digits(v.KL), interval(v.KLInterval), digits(v.KLMedian), opt(v.KLP99, digits), digits(v.KLMax), v.Covered)
	fmt.Fprintf(w, "Same top token %.1f %% (%s)\n", v.SameTop, interval(v.SameTopInterval))
	fmt.Fprintf(w, "Perplexity %s against %s: %s times (%s) · %d positions of %d texts\n", digits(v.Perplexity), digits(v.ReferencePerplexity),
		digits(v.PerplexityRatio), interval(v.PerplexityRatioInterval), v.Positions, v.Texts)
}

func printTexts(w io.Writer, texts []domain.QualityText) error {
	rows := [][]string{{"TEXT", "TOKENS", "PERPLEXITY", "REFERENCE", "KL", "SAME TOP"}}
	for _, t := range texts {
		rows = append(rows, []string{t.Text, strconv.Itoa(t.Tokens), digits(t.Perplexity), opt(t.ReferencePerplexity, digits), opt(t.KL, digits), opt(t.SameTop, percent)})
	}
	fmt.Fprintln(w)
	return table(w, rows...)
}
