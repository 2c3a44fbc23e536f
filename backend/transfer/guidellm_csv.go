package transfer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// GuideLLM's table has three lines of header (group, what and unit, statistic) and one line a
// benchmark.
const guidellmHeader = 3

func isGuidellmCSV(s shape) bool {
	return s.kind == kindCSV && s.has("Run Info", "Benchmark", "Request Counts", "Time to First Token")
}

// guidellmRow reads one line by its three-part header.
type guidellmRow struct{ header, row []string }

func (g guidellmRow) text(name string) string {
	if i := slices.Index(g.header, name); i >= 0 && i < len(g.row) {
		return g.row[i]
	}
	return ""
}

func (g guidellmRow) number(name string) *float64 {
	v, err := strconv.ParseFloat(g.text(name), 64)
	if err != nil {
		return nil
	}
	return &v
}

func (g guidellmRow) count(name string) int {
	n, _ := strconv.Atoi(g.text(name)) // an empty cell is none
	return n
}

// percentile reads one of the list p001, p01, p05, p10, p25, p50, p75, p90, p95, p99, p999.
func (g guidellmRow) percentile(name string, index int) *float64 {
	var list []float64
	if json.Unmarshal([]byte(g.text(name)), &list) != nil || index >= len(list) {
		return nil
	}
	return &list[index]
}

func readGuidellmCSV(f File, s shape) (Doc, error) {
	if len(s.rows) <= guidellmHeader {
		return Doc{}, bad("The table holds no benchmark.")
	}
	header := guidellmColumns(s.rows)
	first := guidellmRow{header, s.rows[guidellmHeader]}
	var backend struct{ Kind, Model string }
	_ = json.Unmarshal([]byte(first.text("Run Info/Backend/")), &backend)
	var meta struct {
		Version string `json:"guidellm_version"`
	}
	_ = json.Unmarshal([]byte(first.text("Runtime Info/Metadata/")), &meta)
	begun, _ := time.Parse(time.DateTime, first.text("Timings/Start Time/"))
	r, err := f.begin(tool{"guidellm", "GuideLLM", meta.Version}, backend.Model, begun)
	if err != nil {
		return Doc{}, err
	}
	r.Engine = strings.TrimSuffix(backend.Kind, "_http")
	r.note("The file's time has no zone; it is taken as UTC.")
	r.note("The file holds no requests; benchmarks.json does.")
	sum := summaryOf(&r)
	for i, row := range s.rows[guidellmHeader:] {
		g := guidellmRow{header, row}
		p := r.stage(strategyOf(g.text("Benchmark/Strategy/")), nil)
		prefix := ""
		if len(s.rows) > guidellmHeader+1 {
			prefix = fmt.Sprintf("%d: ", i+1)
		}
		g.figures(&r, prefix)
		sum.stage(*p, g.summary())
	}
	if len(sum.stages) == 1 {
		sum.Figures = *sum.stages[0].Summary
	}
	sum.fill(&r)
	return Doc{Runs: []Run{r}}, nil
}

// guidellmColumns joins the three lines of the header: "Time to First Token/Successful ms/Mean".
func guidellmColumns(rows [][]string) []string {
	out := make([]string, len(rows[0]))
	for i := range out {
		parts := make([]string, guidellmHeader)
		for j := range parts {
			if i < len(rows[j]) {
				parts[j] = rows[j][i]
			}
		}
		out[i] = strings.Join(parts, "/")
	}
	return out
}

// strategyOf reads a load as the table names it: concurrent@16, poisson@2.50, synchronous.
func strategyOf(name string) domain.Load {
	kind, value, _ := strings.Cut(name, "@")
	s := guidellmStrategy{Type: kind}
	if v, err := strconv.ParseFloat(value, 64); err == nil && v > 0 {
		s.Rate = &v
		s.Streams = new(max(1, int(v)))
	}
	return s.load()
}

func (g guidellmRow) figures(r *Run, prefix string) {
	for _, m := range guidellmMetrics() {
		r.figure(prefix+m.key+".mean", prefix+m.label+" mean", m.unit, g.number(m.csv+"/Mean"), m.definition)
		if m.rate {
			continue
		}
		r.figure(prefix+m.key+".median", prefix+m.label+" median", m.unit, g.number(m.csv+"/Median"), m.definition)
		r.figure(prefix+m.key+".std_dev", prefix+m.label+" std dev", m.unit, g.number(m.csv+"/Std Dev"), m.definition)
		r.figure(prefix+m.key+".percentiles.p95", prefix+m.label+" p95", m.unit, g.percentile(m.csv+"/Percentiles", 8), m.definition+" Nearest rank.")
		r.figure(prefix+m.key+".percentiles.p99", prefix+m.label+" p99", m.unit, g.percentile(m.csv+"/Percentiles", 9), m.definition+" Nearest rank.")
	}
}

// summary takes the figures that are defined as ours.
func (g guidellmRow) summary() domain.Figures {
	f := noFigures()
	f.Requests = domain.OutcomeCounts{OK: g.count("Request Counts/Successful/"), Error: g.count("Request Counts/Errored/"), Incomplete: g.count("Request Counts/Incomplete/")}
	f.TTFTMs = domain.Stats{Mean: g.number("Time to First Token/Successful ms/Mean"), N: f.Requests.OK}
	f.TTFVMs = domain.Stats{Mean: g.number("Time to First Output Token/Successful ms/Mean"), N: f.Requests.OK}
	return f
}
