package transfer

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

//go:embed page.gohtml
var pageTemplate string

// Page is a report as one file that needs no network: no script, no font, no picture from elsewhere.
type Page struct {
	App  string
	At   time.Time
	Runs []PageRun
}

// PageRun is one run of the report. TTFTMs and E2EMs are of the successful measured requests.
type PageRun struct {
	Run     domain.Run
	Samples []domain.Sample
	Lenses  []domain.Lens
	TTFTMs  []float64
	E2EMs   []float64
}

// Write writes the page. Everything that people or models wrote is escaped.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"num": num, "whole": wholeNumber, "deref": deref, "time": pageTime, "latencies": latencies, "chart": chart, "histogram": histogram, "json": compactFacts, "small": small, "courses": courses,
	}).Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	return t.Execute(w, p)
}

// num writes a figure with four digits that count, a dash for none.
func num(v *float64) string {
	if v == nil {
		return "–"
	}
	digits := 0
	if a := math.Abs(*v); a > 0 && a < 1000 {
		digits = max(0, 3-int(math.Floor(math.Log10(a))))
	}
	return fmt.Sprintf("%.*f", min(digits, 6), *v)
}

func wholeNumber(n *int) string {
	if n == nil {
		return "–"
	}
	return fmt.Sprint(*n)
}

func pageTime(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// latency is one line of the table of latencies.
type latency struct {
	Name string
	domain.Stats
}

// Within are the intervals of the line, empty where none were computed.
func (l latency) Within() domain.StatsIntervals {
	if l.Intervals == nil {
		return domain.StatsIntervals{}
	}
	return *l.Intervals
}

// small writes an interval under its figure.
func small(in *domain.Interval) template.HTML {
	if in == nil {
		return ""
	}
	return template.HTML("<small>" + num(&in[0]) + "–" + num(&in[1]) + "</small>") // #nosec G203 -- made of numbers alone
}

// courses say what the stages did while they were measured.
func courses(stages []domain.Stage) []string {
	var out []string
	for _, x := range stages {
		if x.Course == nil {
			continue
		}
		for _, words := range x.Course.Sentences {
			if len(stages) > 1 {
				words = fmt.Sprintf("Stage %d: %s", x.Index+1, words)
			}
			out = append(out, words)
		}
	}
	return out
}

// latencies are the metrics that have a value.
func latencies(f domain.Figures) []latency {
	all := []latency{{"TTFT", f.TTFTMs}, {"TTFR", f.TTFRMs}, {"ITL", f.ITLMs}, {"TPOT", f.TPOTMs}, {"E2E", f.E2EMs}, {"TTFT from due", f.DueTTFTMs}, {"Lateness", f.LatenessMs}}
	return slices.DeleteFunc(all, func(l latency) bool { return l.Mean == nil })
}

// compactFacts are the facts of a machine, by name.
func compactFacts(m map[string]string) [][2]string {
	var out [][2]string
	for k, v := range m {
		out = append(out, [2]string{strings.ReplaceAll(k, "_", " "), v})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// Size of a drawing, in its own units.
const (
	chartWidth  = 720
	chartHeight = 120
)

// drawing is one chart: a path in an SVG of chartWidth × chartHeight.
type drawing struct {
	Name, Unit  string
	Path        template.HTMLAttr
	Low, High   string
	From, Until string
}

// chart draws the readings that a run has over its time.
func chart(samples []domain.Sample) []drawing {
	var out []drawing
	for _, s := range []struct {
		name, unit string
		get        func(*domain.Sample) *float64
		top        float64
	}{
		{"CPU", "%", func(s *domain.Sample) *float64 { return s.CPUPercent }, 100},
		{"RAM", "GB", func(s *domain.Sample) *float64 { return s.RAMUsedGB }, 0},
		{"GPU", "%", func(s *domain.Sample) *float64 { return s.GPUPercent }, 100},
		{"VRAM", "GB", func(s *domain.Sample) *float64 { return s.VRAMUsedGB }, 0},
		{"Power", "W", func(s *domain.Sample) *float64 { return s.PowerW }, 0},
	} {
		if d, ok := line1(samples, s.get, s.top); ok {
			d.Name, d.Unit = s.name, s.unit
			out = append(out, d)
		}
	}
	return out
}

// line1 draws one line from 0 to top, or to the largest value where that is 0; a reading that is missing
// breaks it.
func line1(samples []domain.Sample, get func(*domain.Sample) *float64, top float64) (drawing, bool) {
	if len(samples) < 2 {
		return drawing{}, false
	}
	from, until := samples[0].TUs, samples[len(samples)-1].TUs
	low, high := math.Inf(1), math.Inf(-1)
	for i := range samples {
		if v := get(&samples[i]); v != nil {
			low, high = min(low, *v), max(high, *v)
		}
	}
	if until <= from || math.IsInf(low, 1) {
		return drawing{}, false
	}
	if top == 0 {
		top = max(high*1.1, 1e-9)
	}
	var b strings.Builder
	pen := "M"
	for i := range samples {
		v := get(&samples[i])
		if v == nil {
			pen = "M"
			continue
		}
		x := float64(samples[i].TUs-from) / float64(until-from) * chartWidth
		fmt.Fprintf(&b, "%s%.1f %.1f", pen, x, chartHeight*(1-min(*v/top, 1)))
		pen = "L"
	}
	return drawing{Path: template.HTMLAttr(`d="` + b.String() + `"`), Low: num(&low), High: num(&high), // #nosec G203 -- made of numbers alone
		From: fmt.Sprintf("%.1f s", float64(from)/1e6), Until: fmt.Sprintf("%.1f s", float64(until)/1e6)}, true
}

// histogram draws how values are spread, in 40 bars.
func histogram(name string, values []float64) []drawing {
	const bars = 40
	if len(values) < 5 {
		return nil
	}
	low, high := slices.Min(values), slices.Max(values)
	counts := make([]int, bars)
	for _, v := range values {
		i := 0
		if high > low {
			i = min(int((v-low)/(high-low)*bars), bars-1)
		}
		counts[i]++
	}
	most := slices.Max(counts)
	var b strings.Builder
	for i, n := range counts {
		h := float64(n) / float64(most) * chartHeight
		fmt.Fprintf(&b, "M%d %dv-%.1fh%dv%.1fz", i*chartWidth/bars, chartHeight, h, chartWidth/bars-2, h)
	}
	return []drawing{{Name: name, Unit: "ms", Path: template.HTMLAttr(`d="` + b.String() + `"`), Low: num(&low), High: num(&high), // #nosec G203 -- made of numbers alone
		From: num(&low) + " ms", Until: num(&high) + " ms"}}
}
