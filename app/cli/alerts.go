package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inferometer/inferometer/backend/domain"
)

func (e *env) alerts() *cobra.Command {
	const base = "/api/v1/alerts"
	c := &cobra.Command{Use: "alerts", Short: "List what was seen in the history of figures", Args: cobra.NoArgs,
		Long: "List what was seen in the history of figures: levels that moved, runs that lie outside of where they were to be expected, and new\n" +
			"builds of the engine that were held against the one before. After each run its history is looked at."}
	all := c.Flags().Bool("all", false, "acknowledged ones too")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path := base + "?open=true"
		if *all {
			path = base
		}
		return show1(c.Context(), e, http.MethodGet, path, nil, printAlerts)
	}
	c.AddCommand(e.idVerb("ack", "Note that you have seen to an alert", http.MethodPost, base+"/", "/acknowledge", "Acknowledged."),
		e.idVerb("reopen", "Take an acknowledgement back", http.MethodDelete, base+"/", "/acknowledge", "Open again."))
	return c
}

func printAlerts(w io.Writer, as []domain.Alert) error {
	for _, a := range as {
		fmt.Fprintf(w, "%s  %s of %s (%s, %s): %s\n", a.CreatedAt.Local().Format("2006-01-02 15:04"), a.Metric, printable(a.Model), printable(a.Engine), printable(a.Load), alertText(a))
		for _, d := range a.Differs {
			fmt.Fprintf(w, "      %s: %s → %s\n", d.Key, printable(cmp.Or(d.Values[0], missing)), printable(cmp.Or(d.Values[1], missing)))
		}
		fmt.Fprintf(w, "      %s", a.ID)
		if a.AcknowledgedAt != nil {
			fmt.Fprint(w, "  acknowledged")
		}
		fmt.Fprintln(w)
	}
	if len(as) == 0 {
		fmt.Fprintln(w, "Nothing to look at.")
	}
	return nil
}

// alertText is an alert with its exact figures.
func alertText(a domain.Alert) string {
	by := " by"
	if a.Kind == domain.AlertBuild {
		by = ","
	}
	out := fmt.Sprintf("%s%s %+.1f %%, from %s to %s %s", strings.ReplaceAll(a.Verdict, "_", " "), by, a.Percent, digits(a.Before), digits(a.After), a.Unit)
	if a.Interval != nil {
		out += fmt.Sprintf(", 95 %% interval %+.1f to %+.1f %%", a.Interval[0], a.Interval[1])
	}
	if a.Expected != nil {
		out += fmt.Sprintf(", expected %s", interval(a.Expected))
	}
	if a.P != nil {
		out += fmt.Sprintf(", p = %.2g", *a.P)
	}
	switch a.Kind {
	case domain.AlertRun:
		return out + fmt.Sprintf("; one run against %d", a.RunsBefore)
	case domain.AlertBuild:
		return out + fmt.Sprintf("; %d pairs of builds", a.RunsAfter)
	}
	return out + fmt.Sprintf("; %d runs against %d, since %s", a.RunsAfter, a.RunsBefore, a.Since)
}
