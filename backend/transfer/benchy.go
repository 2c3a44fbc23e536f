package transfer

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// benchyFile is what llama-benchy writes as JSON: one entry a test. Its lists hold one value a request
// or one a repetition, but do not say which values belong to one request.
type benchyFile struct {
	Version    string  `json:"version"`
	Timestamp  string  `json:"timestamp"`
	LatencyMs  float64 `json:"latency_ms"`
	Model      string  `json:"model"`
	Benchmarks []struct {
		Concurrency  int        `json:"concurrency"`
		Context      int        `json:"context_size"`
		Prompt       int        `json:"prompt_size"`
		Response     int        `json:"response_size"`
		Prefill      bool       `json:"is_context_prefill_phase"`
		PP           benchyStat `json:"pp_throughput"`
		PPRequest    benchyStat `json:"pp_req_throughput"`
		TG           benchyStat `json:"tg_throughput"`
		TGRequest    benchyStat `json:"tg_req_throughput"`
		Peak         benchyStat `json:"peak_throughput"`
		PeakRequest  benchyStat `json:"peak_req_throughput"`
		TTFR         benchyStat `json:"ttfr"`
		EstimatedPPT benchyStat `json:"est_ppt"`
		TTFT         benchyStat `json:"e2e_ttft"`
	} `json:"benchmarks"`
}

type benchyStat struct {
	Mean   *float64  `json:"mean"`
	Std    *float64  `json:"std"`
	Values []float64 `json:"values"`
}

// What llama-benchy's figures mean; the keys are the columns of its table.
const (
	benchyTS      = "Tokens of all requests of a repetition ÷ its time; mean over repetitions."
	benchyReq     = "Tokens ÷ time of each request; mean over requests."
	benchyTTFR    = "Send to the first answer of any kind."
	benchyPPT     = "Send to the first answer, less the measured latency of the network."
	benchyTTFT    = "Send to the first content."
	benchyPeak    = "Most tokens within one second, of all requests."
	benchyPeakReq = "Most tokens within one second, of each request."
)

func isBenchy(s shape) bool {
	return s.kind == kindObject && s.has("latency_mode", "max_concurrency", "benchmarks")
}

func readBenchy(f File, s shape) (Doc, error) {
	var b benchyFile
	if err := strict(s.data, &b); err != nil {
		return Doc{}, err
	}
	at, _ := time.Parse("2006-01-02 15:04:05Z", b.Timestamp)
	r, err := f.begin(tool{"llama-benchy", "llama-benchy", b.Version}, b.Model, at)
	if err != nil {
		return Doc{}, err
	}
	r.Engine = "openai"
	r.note("The file does not say which of its values belong to one request, so it is imported as figures.")
	sum := summaryOf(&r)
	for _, x := range b.Benchmarks {
		p := r.stage(closed(x.Concurrency), depthOf(x.Context))
		test := benchyTest(x.Prompt, x.Response, x.Context, x.Concurrency)
		if x.Prefill {
			test = "context " + test
		}
		p.Name = test
		for _, c := range []struct {
			column, unit, definition string
			benchyStat
		}{
			{"pp t_s", "tok/s", benchyTS, x.PP}, {"pp t_s_req", "tok/s", benchyReq, x.PPRequest},
			{"tg t_s", "tok/s", benchyTS, x.TG}, {"tg t_s_req", "tok/s", benchyReq, x.TGRequest},
			{"tg peak_ts", "tok/s", benchyPeak, x.Peak}, {"tg peak_ts_req", "tok/s", benchyPeakReq, x.PeakRequest},
			{"ttfr", "ms", benchyTTFR, x.TTFR}, {"est_ppt", "ms", benchyPPT, x.EstimatedPPT}, {"e2e_ttft", "ms", benchyTTFT, x.TTFT},
		} {
			r.figure(test+" "+c.column+"_mean", test+": "+c.column, c.unit, c.Mean, c.definition)
			r.figure(test+" "+c.column+"_std", test+": "+c.column+" ±", c.unit, c.Std, "Standard deviation.")
		}
		fig := noFigures()
		fig.AskedConcurrency = &x.Concurrency
		fig.TTFTMs, fig.TTFRMs = statsOf(x.TTFT.Values), statsOf(x.TTFR.Values)
		fig.DecodeTokensPerSecond = statsOf(x.TGRequest.Values).P50
		fig.Requests.OK = max(len(x.TTFT.Values), len(x.TGRequest.Values))
		fig.Tokens = domain.TokenCounts{From: fromImport}
		sum.stage(*p, fig)
	}
	if len(sum.stages) == 1 {
		sum.Figures = *sum.stages[0].Summary
	}
	sum.fill(&r)
	return Doc{Runs: []Run{r}}, nil
}

func depthOf(tokens int) *int {
	if tokens <= 0 {
		return nil
	}
	return &tokens
}

func benchyTest(prompt, response, context, users int) string {
	name := fmt.Sprintf("pp%d tg%d", prompt, response)
	if context > 0 {
		name += fmt.Sprintf(" @ d%d", context)
	}
	return fmt.Sprintf("%s (c%d)", name, users)
}

func isBenchyCSV(s shape) bool {
	return s.kind == kindCSV && s.has("model", "test_name", "t_s_mean", "e2e_ttft_mean")
}

var benchyName = regexp.MustCompile(`^(?:(ctx_)?)(pp|tg)(\d+)(?: @ d(\d+))?(?: \(c(\d+)\))?$`)

// readBenchyCSV reads llama-benchy's table: one line a test of one kind.
func readBenchyCSV(f File, s shape) (Doc, error) {
	rows := records(s.rows)
	if len(rows) == 0 {
		return Doc{}, bad("The table holds no test.")
	}
	r, err := f.begin(tool{"llama-benchy", "llama-benchy", ""}, rows[0]["model"], time.Time{})
	if err != nil {
		return Doc{}, err
	}
	r.Engine = "openai"
	r.note("The file holds no requests.")
	sum := summaryOf(&r)
	for _, row := range rows {
		m := benchyName.FindStringSubmatch(row["test_name"])
		users, depth := 1, 0
		if m != nil {
			users, _ = strconv.Atoi(cmp.Or(m[5], "1"))
			depth, _ = strconv.Atoi(cmp.Or(m[4], "0"))
		}
		p := r.stage(closed(users), depthOf(depth))
		p.Name = row["test_name"]
		for _, c := range [][3]string{
			{"t_s", "tok/s", benchyTS}, {"t_s_req", "tok/s", benchyReq}, {"peak_ts", "tok/s", benchyPeak}, {"peak_ts_req", "tok/s", benchyPeakReq},
			{"ttfr", "ms", benchyTTFR}, {"est_ppt", "ms", benchyPPT}, {"e2e_ttft", "ms", benchyTTFT},
		} {
			r.figure(p.Name+" "+c[0]+"_mean", p.Name+": "+c[0], c[1], cell(row[c[0]+"_mean"]), c[2])
			r.figure(p.Name+" "+c[0]+"_std", p.Name+": "+c[0]+" ±", c[1], cell(row[c[0]+"_std"]), "Standard deviation.")
		}
		fig := noFigures()
		fig.TTFTMs, fig.TTFRMs = domain.Stats{Mean: cell(row["e2e_ttft_mean"])}, domain.Stats{Mean: cell(row["ttfr_mean"])}
		sum.stage(*p, fig)
	}
	sum.fill(&r)
	return Doc{Runs: []Run{r}}, nil
}

// records are the lines of a table under the names of its header.
func records(rows [][]string) []map[string]string {
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			if i < len(row) {
				m[strings.TrimSpace(name)] = row[i]
			}
		}
		out = append(out, m)
	}
	return out
}

// cell reads a number of a table; nil where it is none.
func cell(text string) *float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return nil
	}
	return &v
}
