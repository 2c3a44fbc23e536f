package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
)

// printSummary prints the figures of a run, and a table of its stages where it has several.
func printSummary(w io.Writer, r domain.Run) error {
	s, h := r.Summary, r.HardwareMetrics
	prefill := opt(s.PrefillTokensPerSecond, speed)
	if s.PrefillLowerBound && s.PrefillTokensPerSecond != nil {
		prefill = "at least " + prefill
	}
	own := "engine's own " + opt(s.Server.DecodeTokensPerSecond, speed)
	if s.ClockDeltaPercent != nil {
		own += fmt.Sprintf(", difference %+.1f %%", *s.ClockDeltaPercent)
	}
	prefillSure := ""
	if s.Intervals != nil {
		own = between(s.Intervals.Decode, speed) + own
		prefillSure = strings.TrimSuffix(between(s.Intervals.Prefill, speed), " · ")
	}
	rows := [][]string{
		{"Decode speed", opt(s.DecodeTokensPerSecond, speed), own},
		{"Output throughput", opt(s.OutputTokensPerSecond, speed), tokens(s.Figures)},
		{"Prefill speed", prefill, prefillSure},
		stat("Time to first token", s.TTFTMs), stat("Time per output token", s.TPOTMs),
		stat("Time between tokens", s.ITLMs), stat("End to end", s.E2EMs),
	}
	rows = append(rows, openRows(s.Figures)...)
	rows = append(rows, []string{"Requests", fmt.Sprintf("%d ok", s.Requests.OK), outcomes(s.Requests)})
	if s.LengthShortfall > 0 {
		rows = append(rows, []string{"Length", fmt.Sprintf("%d short", s.LengthShortfall), "ended before max_tokens by themselves"})
	}
	if s.Draft != nil {
		rows = append(rows, []string{"Draft acceptance", opt(s.Draft.Acceptance, fraction),
			fmt.Sprintf("%d of %d tokens", s.Draft.Accepted, s.Draft.Tokens)})
	}
	rows = append(rows,
		[]string{"CPU", opt(h.CPUPercent, percent), "peak " + opt(h.Peak.CPUPercent, percent)},
		[]string{"RAM", opt(h.RAMUsedGB, gb), "peak " + opt(h.Peak.RAMUsedGB, gb)},
		[]string{"GPU", opt(h.GPUPercent, percent), h.Reasons["gpu_usage_percent"]},
		[]string{"VRAM", opt(h.VRAMUsedGB, gb), ""})
	rows = append(rows, energyRows(s.Energy)...)
	if err := table(w, rows...); err != nil {
		return err
	}
	return printStages(w, s)
}

// printCourse prints what the stages did while they were measured, where that is known.
func printCourse(w io.Writer, stages []domain.Stage) {
	title := "\nOver time:"
	for _, x := range stages {
		if x.Course == nil {
			continue
		}
		for _, words := range x.Course.Sentences {
			if len(stages) > 1 {
				words = fmt.Sprintf("stage %d: %s", x.Index+1, words)
			}
			if title != "" {
				fmt.Fprintln(w, title)
				title = ""
			}
			fmt.Fprintf(w, "  %s\n", words)
		}
	}
}

// openRows are the figures that only an open loop or objectives have.
func openRows(f domain.Figures) [][]string {
	var rows [][]string
	if f.DueTTFTMs.N > 0 {
		rows = append(rows, stat("TTFT from due time", f.DueTTFTMs), stat("End to end from due time", f.DueE2EMs))
	}
	if f.LatenessMs.N > 0 {
		rows = append(rows, stat("Lateness of sends", f.LatenessMs))
	}
	if f.Goodput != nil {
		rows = append(rows, []string{"Goodput", opt(f.Goodput.RequestsPerSecond, perSecond),
			fmt.Sprintf("%d requests met every objective, %s", f.Goodput.Met, opt(f.Goodput.Fraction, fraction))})
	}
	return rows
}

// energyRows are a row for each meter; one that told nothing says why.
func energyRows(e *domain.Energy) [][]string {
	if e == nil {
		return nil
	}
	names := map[string]string{domain.ScopeGPUBoard: "Energy, GPU board", domain.ScopeCPUPackage: "Energy, CPU package",
		domain.ScopeSystemBattery: "Energy, whole system"}
	var rows [][]string
	for _, x := range e.Scopes {
		if x.GrossJ == nil {
			rows = append(rows, []string{names[x.Scope], missing, x.Reason})
			continue
		}
		note := "net " + opt(x.NetJPerToken, perToken)
		if x.NetJPerToken == nil {
			note = "net " + missing + ": " + x.NetReason
		}
		note += fmt.Sprintf(" · %s · %s W mean · by %s", joules(*x.GrossJ), opt(x.MeanW, short), x.Method)
		if x.Cost != nil {
			note += fmt.Sprintf(" · %.4f %s", *x.Cost, x.Currency)
		}
		if x.CO2G != nil {
			note += fmt.Sprintf(" · %s g CO2", short(*x.CO2G))
		}
		rows = append(rows, []string{names[x.Scope], opt(x.JPerToken, perToken), note})
	}
	return rows
}

func perToken(v float64) string { return short(v) + " J/token" }

func joules(v float64) string {
	if v >= 1000 {
		return short(v/1000) + " kJ"
	}
	return short(v) + " J"
}

func tokens(f domain.Figures) string {
	text := fmt.Sprintf("%d tokens", f.Tokens.Output)
	if f.Tokens.Cached != nil && *f.Tokens.Cached > 0 {
		text += fmt.Sprintf(", %d prompt tokens from the cache", *f.Tokens.Cached)
	}
	return text
}

func outcomes(n domain.OutcomeCounts) string {
	text := fmt.Sprintf("%d failed, %d incomplete, %d canceled", n.Error, n.Incomplete, n.Canceled)
	if n.Dropped > 0 {
		text += fmt.Sprintf(", %d dropped", n.Dropped)
	}
	return text
}

// printStages prints a line for each stage of a run with several, and what a search found.
func printStages(w io.Writer, s *domain.Summary) error {
	if len(s.Stages) > 1 {
		fmt.Fprintln(w)
		rows := [][]string{{"STAGE", "LOAD", "TOK/S", "TTFT P50", "TTFT P95", "TPOT", "E2E", "GOODPUT", "DELIVERED", "ERRORS", ""}}
		for _, x := range s.Stages {
			rows = append(rows, stageRow(x, s.BestStage))
		}
		if err := table(w, rows...); err != nil {
			return err
		}
	}
	if s.Knee != nil {
		if _, err := fmt.Fprintf(w, "\nLimit: %s\n", s.Knee.Detail); err != nil {
			return err
		}
	}
	return nil
}

func stageRow(x domain.Stage, best *int) []string {
	row := []string{strconv.Itoa(x.Index + 1), x.Name}
	if x.Summary == nil {
		return append(row, missing, missing, missing, missing, missing, missing, missing, missing, x.State)
	}
	f := x.Summary
	goodput := missing
	if f.Goodput != nil {
		goodput = opt(f.Goodput.RequestsPerSecond, perSecond)
	}
	failed := strconv.Itoa(f.Requests.Error + f.Requests.Incomplete)
	if f.Requests.Dropped > 0 {
		failed += fmt.Sprintf(" + %d dropped", f.Requests.Dropped)
	}
	return append(row, opt(f.OutputTokensPerSecond, plainSpeed), opt(f.TTFTMs.P50, ms), opt(f.TTFTMs.P95, ms), opt(f.TPOTMs.P50, ms),
		opt(f.E2EMs.P50, ms), goodput, delivered(*f), failed, stageNote(x, best))
}

// delivered is what was really under way, or arrived, against what was asked for.
func delivered(f domain.Figures) string {
	switch {
	case f.AskedConcurrency != nil:
		return fmt.Sprintf("%s of %d users", opt(f.DeliveredConcurrency, short), *f.AskedConcurrency)
	case f.AskedRatePerS != nil:
		return fmt.Sprintf("%s of %s/s", opt(f.RequestsPerSecond, short), short(*f.AskedRatePerS))
	}
	return missing
}

// stageNote says what stands out about a stage: the best one, missed objectives, an early end.
func stageNote(x domain.Stage, best *int) string {
	var notes []string
	if best != nil && *best == x.Index {
		notes = append(notes, "best")
	}
	for _, o := range x.Objectives {
		if !o.Met {
			notes = append(notes, o.Objective.Metric+" missed")
		}
	}
	if x.State != "done" {
		notes = append(notes, x.State)
	}
	return strings.Join(notes, ", ")
}

// printLenses prints a run's figures as another tool defines them, beside ours.
func printLenses(w io.Writer, r domain.RunReport) error {
	if len(r.Lenses) == 0 {
		_, err := fmt.Fprintln(w, "Nothing was measured, so there are no figures to show.")
		return err
	}
	for i, l := range r.Lenses {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s · %s, as %s defines it\n\n", r.Run.Model, r.Run.ID, l.Name)
		rows := [][]string{{"FIGURE", strings.ToUpper(l.Tool), "OURS", "UNIT", "DEFINITION"}}
		for _, x := range l.Rows {
			rows = append(rows, []string{x.Label, opt(x.Value, exact), opt(x.Ours, exact), x.Unit, x.Definition})
		}
		if err := table(w, rows...); err != nil {
			return err
		}
	}
	return nil
}

func plainSpeed(v float64) string { return strings.TrimSuffix(speed(v), " tok/s") }
func perSecond(v float64) string  { return fmt.Sprintf("%.2f/s", v) }
func fraction(v float64) string   { return fmt.Sprintf("%.0f %%", 100*v) }

// exact prints a whole number as such, and any other with two digits behind the point.
func exact(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// short prints a number with three digits, or all before the point.
func short(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
