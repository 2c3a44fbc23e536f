package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

func (a *API) recordRoutes() {
	add(a, read("BenchmarkMetrics", base+"/benchmarks/{id}/metrics", "Hardware samples of a job, by time"), a.benchmarkMetrics,
		describe("Without points an answer holds at most limit samples, and the next ones are found by its Link header; with points it is as small as is asked for."))
	add(a, read("BenchmarkPhases", base+"/benchmarks/{id}/phases", "When each phase of a job began"), a.benchmarkPhases)
	add(a, read("BenchmarkRequests", base+"/benchmarks/{id}/requests", "Requests of a job, without text and chunks"), a.benchmarkRequests)
	add(a, read("BenchmarkRequest", base+"/benchmarks/{id}/requests/{n}", "One request with prompt, output, chunk times and server timings"), a.benchmarkRequest)
	add(a, read("BenchmarkReport", base+"/benchmarks/{id}/report", "A job with its figures as other tools define them"), a.benchmarkReport)
}

type metricsInput struct {
	JobInput
	Every  string `query:"every" maxLength:"16" doc:"One sample per this time, e.g. 1s" example:"1s"`
	Points int    `query:"points" minimum:"2" maximum:"100000" doc:"At most this many samples: of more, each stretch of the time becomes two with the lowest and the highest value of every sensor in the order in which they came" example:"2000"`
	Of     string `query:"of" enum:"extremes,means" default:"extremes" doc:"With points: what a stretch becomes, two samples or one with the mean of every sensor"`
	Start  string `query:"start_us" maxLength:"17" pattern:"^-?[0-9]+$" patternDescription:"a whole number of microseconds" doc:"Samples from this time of the job on, in microseconds" example:"60000000"`
	End    string `query:"end_us" maxLength:"17" pattern:"^-?[0-9]+$" patternDescription:"a whole number of microseconds" doc:"Samples up to this time of the job, in microseconds" example:"120000000"`
	Series string `query:"series" maxLength:"512" doc:"Comma-separated keys of a sample; timestamp, t_ms and phase are always there" example:"cpu_usage_percent,ram_usage_gb"`
	Limit  int    `query:"limit" minimum:"1" maximum:"36000" default:"36000" doc:"Without points: samples of one answer, an hour at 10 Hz; the Link header leads on"`
	Phase  string `query:"phase" enum:"idle,prepare,settle,warmup,measure,cooldown,drain,stop" doc:"idle shows the readings from just before the job, with negative times"`

	at url.URL
}

func (a *API) benchmarkMetrics(ctx context.Context, in *metricsInput) (*list2[sampleList], error) {
	q := service.MetricsQuery{Points: in.Points, Phase: domain.Phase(in.Phase), Means: in.Of == "means"}
	if in.Every != "" {
		d, err := time.ParseDuration(in.Every)
		if err != nil || d <= 0 || d > time.Hour {
			return nil, domain.Invalid("query.every", "must be a duration up to 1h, such as 1s")
		}
		q.Every = d
	}
	q.StartUs, q.EndUs = wholeUs(in.Start), wholeUs(in.End)
	series, err := seriesOf(in.Series)
	if err != nil {
		return nil, err
	}
	q.Series, q.Most = series, in.Limit+1
	samples, err := a.svc.BenchmarkMetrics(ctx, in.run(), q)
	if err != nil {
		return nil, err
	}
	out := &list2[sampleList]{}
	if cut := in.Limit; q.Points == 0 && len(samples) > cut {
		for cut > 1 && samples[cut-1].TUs == samples[cut].TUs { // what is of one moment stays together
			cut--
		}
		out.Link, samples = in.from(samples[cut].TUs), samples[:cut]
	}
	out.Total, out.Body = len(samples), sampleList{rows: samples, series: series}
	return out, nil
}

// Resolve implements huma.Resolver.
func (in *metricsInput) Resolve(ctx huma.Context) []error {
	in.at = ctx.URL()
	return nil
}

// from is the Link header to the samples from a time on.
func (in *metricsInput) from(us int64) string {
	q := in.at.Query()
	q.Set("start_us", strconv.FormatInt(us, 10))
	return "<" + in.at.EscapedPath() + "?" + q.Encode() + `>; rel="next"`
}

// wholeUs is nil when there is none; the pattern and the length have seen to the rest.
func wholeUs(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// list2 is list for a body that encodes itself.
type list2[T any] struct {
	Link  string `header:"Link" doc:"The samples after these as rel=\"next\"; absent when there are none"`
	Total int    `header:"X-Total-Count" doc:"Samples in the answer"`
	Body  T
}

// sampleFields maps the JSON keys of a sample to its fields, in their order.
func sampleFields() (keys []string, index map[string]int) {
	t := reflect.TypeFor[domain.Sample]()
	index = map[string]int{}
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); key != "-" {
			keys = append(keys, key)
			index[key] = i
		}
	}
	return keys, index
}

// always are the keys that every sample of an answer has, whatever series is.
func always() []string { return []string{"timestamp", "t_ms", "phase"} }

func seriesOf(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	keys, index := sampleFields()
	want := always()
	for key := range strings.SplitSeq(text, ",") {
		key = strings.TrimSpace(key)
		if _, known := index[key]; !known {
			return nil, domain.Invalid("query.series", "must be some of "+strings.Join(keys, ", "))
		}
		if !slices.Contains(want, key) {
			want = append(want, key)
		}
	}
	return want, nil
}

// sampleList encodes samples whole, or only the keys in series.
type sampleList struct {
	rows   []domain.Sample
	series []string
}

// Schema implements huma.SchemaProvider.
func (sampleList) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: schemaOf[domain.Sample](r)}
}

// MarshalJSON implements json.Marshaler.
func (l sampleList) MarshalJSON() ([]byte, error) {
	if l.series == nil {
		return json.Marshal(fillLists(l.rows))
	}
	_, index := sampleFields()
	var b bytes.Buffer
	b.WriteByte('[')
	for i, row := range l.rows {
		if i > 0 {
			b.WriteByte(',')
		}
		v := reflect.ValueOf(row)
		b.WriteByte('{')
		for j, key := range l.series {
			if j > 0 {
				b.WriteByte(',')
			}
			value, err := json.Marshal(fillLists(v.Field(index[key]).Interface()))
			if err != nil {
				return nil, err
			}
			b.WriteString(`"` + key + `":`)
			b.Write(value)
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

func (a *API) benchmarkPhases(ctx context.Context, in *JobInput) (*list[domain.PhaseChange], error) {
	return whole(a.svc.BenchmarkPhases(ctx, in.run()))
}

type requestsInput struct {
	JobInput
	PageInput
	Stage   string `query:"stage" maxLength:"4" pattern:"^[0-9]+$" patternDescription:"the number of a stage" doc:"Only requests of this stage, counted from 0, without warm-ups"`
	Phase   string `query:"phase" enum:"warmup,measure,cooldown"`
	Outcome string `query:"outcome" enum:"ok,error,incomplete,canceled,dropped"`
}

func (in *requestsInput) filter() domain.RequestFilter {
	f := domain.RequestFilter{Phase: domain.Phase(in.Phase), Outcome: domain.Outcome(in.Outcome), Limit: in.Limit}
	if n, err := strconv.Atoi(in.Stage); err == nil { // the pattern has seen to it, or it is absent
		f.Stage = &n
	}
	return f
}

func (a *API) benchmarkRequests(ctx context.Context, in *requestsInput) (*list[domain.RequestRecord], error) {
	offset, err := in.offset()
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.Offset = offset
	page, err := a.svc.BenchmarkRequests(ctx, in.run(), f)
	if err != nil {
		return nil, err
	}
	return byOffset(&in.PageInput, page, offset), nil
}

type requestInput struct {
	JobInput
	N int `path:"n" minimum:"0" maximum:"2147483647"`
}

func (a *API) benchmarkRequest(ctx context.Context, in *requestInput) (*body[domain.RequestRecord], error) {
	rec, err := a.svc.BenchmarkRequest(ctx, in.run(), in.N)
	return &body[domain.RequestRecord]{rec}, err
}

type reportInput struct {
	JobInput
	As     string `query:"as" enum:"vllm,aiperf,guidellm,llama-bench,llmperf" doc:"Only by the definitions of this tool"`
	Accept string `header:"Accept" maxLength:"1024" hidden:"true"`
}

func (a *API) benchmarkReport(ctx context.Context, in *reportInput) (*body[domain.RunReport], error) {
	if in.Accept != "" && !strings.Contains(in.Accept, "json") && !strings.Contains(in.Accept, "*/*") && !strings.Contains(in.Accept, "application/*") {
		p := newProblem(http.StatusNotAcceptable, "The report is JSON.")
		p.Hint = "Ask for it with Accept: application/json."
		return nil, p
	}
	r, err := a.svc.BenchmarkReport(ctx, in.run(), in.As)
	return &body[domain.RunReport]{r}, err
}
