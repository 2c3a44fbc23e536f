package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) bandwidth() *cobra.Command {
	c := &cobra.Command{Use: "bandwidth", Short: "Measure how fast this machine reads memory", Args: cobra.NoArgs,
		Long: "Threads read an area that no cache can hold, in five rounds of 0.2 s; the best counts. The\n" +
			"figure is kept, and runs are held against it. Refused while a benchmark runs or other\n" +
			"programs use the processor."}
	threads := c.Flags().Int("threads", 0, "threads that read (default: as many as the engine uses)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		body := map[string]any{}
		if c.Flags().Changed("threads") {
			body["threads"] = *threads
		}
		return show1(c.Context(), e, http.MethodPost, "/api/v1/system/bandwidth", body, func(w io.Writer, b domain.Bandwidth) error {
			_, err := fmt.Fprintf(w, "Memory bandwidth: %s\n", bandwidthText(b))
			return err
		})
	}
	return c
}

func gbPerS(v float64) string { return fmt.Sprintf("%.0f GB/s", v) }

func bandwidthText(b domain.Bandwidth) string {
	return fmt.Sprintf("%.1f GB/s with %d thread(s), estimated peak of reading, ± 20 %% (%s)", b.GBPerS, b.Threads, when(b.MeasuredAt))
}

// printBottleneck prints what limited a run, with the readings that say so.
func printBottleneck(w io.Writer, b domain.Bottleneck) error {
	fmt.Fprintf(w, "\nLimit: %s\n", b.Sentence)
	for _, f := range b.Evidence {
		if f.Claim != b.Sentence {
			fmt.Fprintf(w, "  %s\n", f.Claim)
		}
	}
	for _, list := range []struct {
		title string
		facts []domain.LimitFact
	}{{"ruled out", b.RuledOut}, {"not judged", b.NotJudged}} {
		for _, f := range list.facts {
			reading := ""
			if f.About == domain.LimitClient && f.Value != nil { // a check's words hold no figure
				reading = " " + short(*f.Value) + " " + f.Unit
			}
			if _, err := fmt.Fprintf(w, "  %s: %s. %s%s\n", list.title, strings.ReplaceAll(f.About, "_", " "), f.Claim, reading); err != nil {
				return err
			}
		}
	}
	return nil
}
