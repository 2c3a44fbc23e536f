package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) predict() *cobra.Command {
	c := &cobra.Command{Use: "predict [MODEL]", Short: "Say how fast a model would write here, before it is tried", Args: cobra.MaximumNArgs(1),
		Long: "Learnt from this machine's own runs, with a range that should hold the true speed in 95 of 100 cases,\n" +
			"and with how many such predictions held. Without a model all of them are told.",
		Example: "  inferometer predict\n  inferometer predict smollm2-135m --context 4096 --quantization Q8_0\n  inferometer predict smollm2-135m --bandwidth 90"}
	context := c.Flags().Int("context", 512, "tokens of context that each written token looks back on")
	quantization := c.Flags().String("quantization", "", "of the weights, in place of the file's own, such as Q8_0")
	bandwidth := c.Flags().Float64("bandwidth", 0, "GB/s of another machine's memory (default: this one's)")
	runs := c.Flags().Bool("runs", false, "list the runs that predictions were held against")
	c.RunE = func(c *cobra.Command, args []string) error {
		q := url.Values{"context_tokens": {strconv.Itoa(*context)}}
		if len(args) > 0 {
			q.Set("model_id", args[0])
		}
		if *quantization != "" {
			q.Set("quantization", *quantization)
		}
		if c.Flags().Changed("bandwidth") {
			q.Set("bandwidth_gbs", strconv.FormatFloat(*bandwidth, 'g', -1, 64))
		}
		return show1(c.Context(), e, http.MethodGet, "/api/v1/predictions?"+q.Encode(), nil, func(w io.Writer, p domain.Predictions) error {
			return printPredictions(w, p, *runs)
		})
	}
	return c
}

func printPredictions(w io.Writer, p domain.Predictions, runs bool) error {
	if p.Fit == nil {
		_, err := fmt.Fprintln(w, p.Reason)
		return err
	}
	rows := [][]string{{"MODEL", "QUANT", "DECODE", "RANGE", "PREFILL", "RANGE", "MEASURED", ""}}
	for _, x := range p.Items {
		decode, between := predicted(x.Decode)
		prefill, within := predicted(x.Prefill)
		note := x.DecodeReason
		if note == "" && len(x.Notes) > 0 {
			note = x.Notes[0]
		}
		rows = append(rows, []string{x.ModelID, cmp.Or(x.Quantization, missing), decode, between, prefill, within, opt(x.Measured, speed), note})
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nAt %d tokens of context, on %s. %s\n%s\n", p.ContextTokens, p.Fit.Device, p.Fit.Sentence, p.Score.Sentence)
	if !runs {
		return nil
	}
	fmt.Fprintln(w)
	rows = [][]string{{"RUN", "MODEL", "QUANT", "CONTEXT", "PREDICTED", "RANGE", "MEASURED", ""}}
	for _, x := range p.Score.Runs {
		value, between := predicted(&x.Predicted)
		held := "missed"
		if x.Held {
			held = "held"
		}
		rows = append(rows, []string{string(x.JobID), x.Model, x.Quantization, strconv.Itoa(x.ContextTokens), value, between, speed(x.Measured), held})
	}
	return table(w, rows...)
}

func predicted(s *domain.PredictedSpeed) (value, between string) {
	if s == nil {
		return missing, missing
	}
	return speed(s.Value), plainSpeed(s.Low) + "–" + plainSpeed(s.High)
}
