package cli

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) builds() *cobra.Command {
	const base = "/api/v1/builds"
	c := &cobra.Command{Use: "builds", Short: "List the builds of the embedded engine", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return show1(c.Context(), e, http.MethodGet, base, nil, printBuilds)
		}}
	measure := &cobra.Command{Use: "measure", Short: "Measure a build of the engine against another", Args: cobra.NoArgs,
		Long: "Measure a build of the engine against another over the standard suite, in turns and in random order. What is not given is as\n" +
			"“inferometer builds” offers. The runs go into the queue; each experiment tells its verdict as an alert."}
	flags := map[string]*string{}
	for name, help := range map[string]string{"old": "id of the build that is the baseline", "new": "id of the build that is held against it", "model": "id of an installed model"} {
		flags[name] = measure.Flags().String(name, "", help)
	}
	pairs := measure.Flags().Int("pairs", 0, "how often each build is measured for each workload (default 8; a verdict needs 6)")
	measure.RunE = func(c *cobra.Command, _ []string) error {
		body := map[string]any{}
		for name, key := range map[string]string{"old": "old", "new": "new", "model": "model_id"} {
			if c.Flags().Changed(name) {
				body[key] = *flags[name]
			}
		}
		if c.Flags().Changed("pairs") {
			body["pairs"] = *pairs
		}
		return show1(c.Context(), e, http.MethodPost, base+"/measure", body, func(w io.Writer, xs []domain.Experiment) error {
			for _, x := range xs {
				fmt.Fprintf(w, "%s: %d runs in turns (%s)\n", printable(x.Name), x.Total, x.ID)
			}
			return nil
		})
	}
	c.AddCommand(measure)
	return c
}

func printBuilds(w io.Writer, b domain.Builds) error {
	rows := [][]string{{"ID", "BUILD", "CHOSEN", "RUNS", "LAST RUN", "SOURCE"}}
	for _, m := range b.Items {
		row := []string{m.ID, printable(m.Build), "", strconv.Itoa(m.Runs), missing, printable(m.Source)}
		if m.Chosen {
			row[2] = "yes"
		}
		if m.LastAt != nil {
			row[4] = m.LastAt.Local().Format("2006-01-02 15:04")
		}
		rows = append(rows, row)
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	if o := b.Offer; o != nil {
		fmt.Fprintf(w, "\n%s has no runs yet. “inferometer builds measure” holds it against %s with %s, in %d runs.\n", o.New, o.Old, printable(o.ModelID), o.Runs)
	}
	return nil
}
