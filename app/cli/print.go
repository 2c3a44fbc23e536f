package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

const missing = "–"

func speed(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f tok/s", v)
	}
	return fmt.Sprintf("%.1f tok/s", v)
}

// ms prints milliseconds with three significant digits, as the screens do.
func ms(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f ms", v)
	case v >= 10:
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.2f ms", v)
}

func opt(v *float64, format func(float64) string) string {
	if v == nil {
		return missing
	}
	return format(*v)
}

func gb(v float64) string      { return fmt.Sprintf("%.1f GB", v) }
func percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

// table prints rows in columns.
func table(w io.Writer, rows ...[]string) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, r := range rows {
		if _, err := fmt.Fprintln(t, strings.Join(r, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// printRun prints the summary of one run.
func printRun(w io.Writer, r domain.Run) error {
	title := r.Model
	if r.Name != "" {
		title = r.Name + ": " + r.Model
	}
	fmt.Fprintf(w, "%s\n%s · %s · %s\n", title, r.Status, r.Engine, r.ID)
	if r.Error != nil {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(r.Error.Message+"\n"+r.Error.Hint))
		if r.Error.LogTail != "" {
			fmt.Fprintf(w, "\nLast lines of the engine's log:\n%s\n", r.Error.LogTail)
		}
	}
	if r.Summary != nil {
		fmt.Fprintln(w)
		if err := printSummary(w, r); err != nil {
			return err
		}
	}
	if r.Bottleneck != nil {
		if err := printBottleneck(w, *r.Bottleneck); err != nil {
			return err
		}
	}
	if r.Summary != nil && r.Summary.Steady != nil {
		fmt.Fprintf(w, "\nSteadiness: %s\n", r.Summary.Steady.Sentence)
	}
	if r.Summary != nil {
		printCourse(w, r.Summary.Stages)
	}
	if r.Validity != nil {
		fmt.Fprintf(w, "\nValidity: %s\n", r.Validity.Verdict)
		for _, c := range r.Validity.Checks {
			if c.State == "caution" || c.State == "invalid" {
				fmt.Fprintf(w, "  %s: %s\n", c.State, c.Detail)
			}
		}
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(w, "  %s: %s\n", x.Level, x.Message)
	}
	return nil
}

func stat(name string, s domain.Stats) []string {
	var sure string
	if s.Intervals != nil {
		sure = between(s.Intervals.P50, ms)
	}
	return []string{name, opt(s.P50, ms), fmt.Sprintf("%sp95 %s · p99 %s · n %d", sure, opt(s.P95, ms), opt(s.P99, ms), s.N)}
}

// between is a 95 % interval before further notes; empty where there is none.
func between(in *domain.Interval, format func(float64) string) string {
	if in == nil {
		return ""
	}
	low, high := format(in[0]), format(in[1])
	if number, unit, ok := strings.Cut(low, " "); ok && strings.HasSuffix(high, " "+unit) {
		low = number
	}
	return fmt.Sprintf("95 %% %s–%s · ", low, high)
}

// when prints a moment in local time.
func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func printRuns(w io.Writer, rs []domain.Run) error {
	rows := [][]string{{"ID", "STATUS", "MODEL", "DECODE", "TTFT", "CREATED", "NAME"}}
	for _, r := range rs {
		rows = append(rows, runRow(r))
	}
	return table(w, rows...)
}

func runRow(r domain.Run) []string {
	tg, ttft := missing, missing
	if r.Summary != nil {
		tg, ttft = opt(r.Summary.DecodeTokensPerSecond, speed), opt(r.Summary.TTFTMs.P50, ms)
	}
	return []string{string(r.ID), string(r.Status), r.Model, tg, ttft, when(r.CreatedAt), r.Name}
}
