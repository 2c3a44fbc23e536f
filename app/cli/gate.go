package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

// ErrRegression says that a gate found a proven regression and has told it.
var ErrRegression = errors.New("a regression was proven")

// UndecidedError is a gate that could not look: it is neither passed nor failed.
type UndecidedError struct{ Err error }

// Error implements error.
func (e *UndecidedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UndecidedError) Unwrap() error { return e.Err }

func (e *env) gate() *cobra.Command {
	c := &cobra.Command{Use: "gate EXPERIMENT | BASELINE-IDS CANDIDATE-IDS", Args: cobra.RangeArgs(1, 2),
		Short: "Fail on a proven regression, and on nothing else",
		Long: "For scripts. Exit status 1 says that a side is proven to be worse than the baseline, by more than the smallest effect that\n" +
			"matters; 0 that no regression was proven, which is not the proof that there is none; 3 that it could not be looked at. Ids of\n" +
			"one side have commas between them.",
		Example: "  inferometer ab --endpoint http://127.0.0.1:8080 --model M --dataset chat-en --arm 'old: endpoint=http://old:8080' --arm 'new: endpoint=http://new:8080' --json | jq -r .id\n" +
			"  inferometer gate EXPERIMENT"}
	least := c.Flags().Float64("min-effect", 2, "a difference below so many percent is too small to matter; an experiment has its own")
	c.RunE = func(c *cobra.Command, args []string) error {
		err := e.with(c.Context(), func(cl *Client) error {
			raw, x, err := gated(c.Context(), cl, args, *least)
			if err != nil {
				return err
			}
			proven := regressions(x)
			if err := e.print(raw, func(w io.Writer) error { return printGate(w, x, proven) }); err != nil {
				return err
			}
			if len(proven) > 0 {
				return ErrRegression
			}
			return nil
		})
		if err == nil || errors.Is(err, ErrRegression) {
			return err
		}
		return &UndecidedError{err}
	}
	return c
}

// gated reads the comparison that is to be judged.
func gated(ctx context.Context, cl *Client, args []string, least float64) (json.RawMessage, domain.Comparison, error) {
	var c domain.Comparison
	if len(args) == 1 {
		x, err := call[domain.Experiment](ctx, cl, http.MethodGet, experimentsPath+"/"+url.PathEscape(args[0]), nil)
		switch {
		case err != nil:
			return nil, c, err
		case !x.Status.Ended():
			return nil, c, errors.New("this experiment has not ended yet")
		case x.Comparison == nil:
			return nil, c, errors.New("no block of this experiment is complete")
		}
		raw, err := json.Marshal(x.Comparison)
		return raw, *x.Comparison, err
	}
	body := map[string]any{"min_effect_percent": least, "sides": []any{map[string]any{"runs": strings.Split(args[0], ",")}, map[string]any{"runs": strings.Split(args[1], ",")}}}
	raw, err := cl.Raw(ctx, http.MethodPost, "/api/v1/comparisons", body)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	return raw, c, err
}

// regressions names what is proven to be worse, and by how much.
func regressions(c domain.Comparison) []string {
	var out []string
	for _, m := range c.Metrics {
		for i, v := range m.Values {
			if f := v.Effect; f != nil && f.Verdict == "worse" {
				out = append(out, fmt.Sprintf("%s: %s is worse than %s by a factor of %.3f (%s), p = %.3f", m.Key, c.Sides[i].Name, c.Sides[c.Baseline].Name,
					f.Ratio, interval(f.Interval), *f.AdjustedP))
			}
		}
	}
	return out
}

func printGate(w io.Writer, c domain.Comparison, proven []string) error {
	if err := printComparison(w, c); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, line := range proven {
		fmt.Fprintln(w, "Regression: "+printable(line))
	}
	if len(proven) == 0 {
		fmt.Fprintln(w, "No regression was proven.")
	}
	return nil
}
