package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
)

// maxWait is the longest a caller may be kept waiting for a job.
const maxWait = 10 * time.Minute

func (a *API) benchmarkRoutes() {
	add(a, command("StartBenchmark", http.MethodPost, base+"/benchmarks", "Start a benchmark"), a.startBenchmark,
		status(http.StatusAccepted), alsoOK[domain.Run](a, "It ended while the caller waited"),
		describe("The body {model_id, prompt} alone is one discarded warm-up and one measured request. "+
			"With Prefer: wait=SECONDS or ?wait=30s the answer is 200 and the finished job when it ends in time."))
	add(a, read("Benchmarks", base+"/benchmarks", "List jobs, newest first"), a.benchmarks)
	add(a, read("Search", base+"/search", "Find runs by their words, and where the words occur"), a.search,
		describe("Every word must occur in one request, in the run's own words, or partly in each. Runs come newest first; a snippet is plain text in parts."))
	add(a, read("Benchmark", base+"/benchmarks/{id}", "One job"), a.benchmark)
	add(a, command("EditBenchmark", http.MethodPatch, base+"/benchmarks/{id}", "Change name, tags, notes, pin"), a.editBenchmark)
	add(a, command("DeleteBenchmark", http.MethodDelete, base+"/benchmarks/{id}", "Move a job to the trash, or take it back"), a.deleteBenchmark,
		status(http.StatusNoContent))
	add(a, command("CancelBenchmark", http.MethodPost, base+"/benchmarks/{id}/cancel", "Stop a queued or running job"), a.cancelBenchmark)
	add(a, command("RerunBenchmark", http.MethodPost, base+"/benchmarks/{id}/rerun", "Start the plan of a job again"), a.rerunBenchmark,
		status(http.StatusAccepted))
}

// alsoOK documents 200 beside the status that an operation usually answers with.
func alsoOK[T any](a *API, text string) func(*huma.Operation) {
	return func(o *huma.Operation) {
		o.Responses["200"] = &huma.Response{Description: text,
			Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[T](a.schemas)}}}
	}
}

type startInput struct {
	Wait   string `query:"wait" maxLength:"16" doc:"How long to wait for the end, e.g. 30s; at most 10m" example:"30s"`
	Prefer string `header:"Prefer" maxLength:"256" doc:"wait=SECONDS, as RFC 7240 has it"`
	Key    string `header:"Idempotency-Key" maxLength:"200" doc:"The same key with the same body answers with the first job"`
	Body   domain.BenchmarkRequest
}

// jobOutput is a job that was just started; Status is 202 until it has ended.
type jobOutput struct {
	Status     int
	Location   string `header:"Location" doc:"Where the job is"`
	Preference string `header:"Preference-Applied"`
	Body       domain.Run
}

func (a *API) startBenchmark(ctx context.Context, in *startInput) (*jobOutput, error) {
	wait, preference, err := waitOf(in.Wait, in.Prefer)
	if err != nil {
		return nil, err
	}
	run, err := a.svc.StartBenchmark(ctx, in.Body, in.Key)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		if run, err = a.svc.WaitBenchmark(ctx, run.ID, wait); err != nil {
			return nil, err
		}
	}
	out := started(run)
	out.Preference = preference
	if wait > 0 && run.Status.Ended() {
		out.Status = http.StatusOK
	}
	return out, nil
}

func started(run domain.Run) *jobOutput {
	return &jobOutput{Status: http.StatusAccepted, Body: run,
		Location: base + "/benchmarks/" + url.PathEscape(string(run.ID))}
}

// waitOf reads how long the caller wants to wait. The query is strict; a Prefer header that cannot
// be read is ignored, as RFC 7240 demands.
func waitOf(query, prefer string) (wait time.Duration, applied string, err error) {
	if query != "" {
		wait, err = time.ParseDuration(query)
		if err != nil || wait < 0 || wait > maxWait {
			return 0, "", domain.Invalid("query.wait", "must be a duration from 0s to 10m, such as 30s")
		}
		return wait, "", nil
	}
	for part := range strings.SplitSeq(prefer, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		s, err := strconv.Atoi(strings.TrimSpace(value))
		if err == nil && s > 0 {
			wait = min(time.Duration(min(s, 86400))*time.Second, maxWait)
			return wait, fmt.Sprintf("wait=%d", int(wait/time.Second)), nil
		}
	}
	return 0, "", nil
}

// RunFilterInput is what the lists of jobs can be narrowed by.
type RunFilterInput struct {
	Status  string `query:"status" enum:"queued,running,completed,failed,canceled,interrupted"`
	Model   string `query:"model" maxLength:"512"`
	Engine  string `query:"engine" maxLength:"64"`
	Task    string `query:"task" maxLength:"64"`
	Dataset string `query:"dataset" maxLength:"128"`
	Tag     string `query:"tag" maxLength:"100"`
	Query   string `query:"q" maxLength:"500" doc:"Words in name, model, tags, notes, prompts and outputs; quotes make a phrase, the last word may be the beginning of one"`
	Start   string `query:"start" maxLength:"64" doc:"Created at or after; ISO 8601"`
	End     string `query:"end" maxLength:"64" doc:"Created at or before; ISO 8601"`
	Trash   bool   `query:"trash" doc:"Only deleted jobs"`
	Sample  bool   `query:"sample" doc:"Demonstration data of debug mode too"`
}

func (in *RunFilterInput) filter() (domain.RunFilter, error) {
	w, err := windowOf(in.Start, in.End)
	return domain.RunFilter{
		Status: in.Status, Model: in.Model, Engine: in.Engine, Task: in.Task, Dataset: in.Dataset,
		Tag: in.Tag, Query: in.Query, Start: w.Start, End: w.End, Trash: in.Trash, IncludeSample: in.Sample,
	}, err
}

type benchmarksInput struct {
	PageInput
	RunFilterInput
}

func (a *API) benchmarks(ctx context.Context, in *benchmarksInput) (*list[domain.Run], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	f.Limit, f.Cursor = in.Limit, in.Cursor
	page, err := a.svc.Benchmarks(ctx, f)
	if err != nil {
		return nil, err
	}
	return &list[domain.Run]{Link: in.next(page.Next), Total: page.Total, Body: page.Items}, nil
}

type searchInput struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"500" doc:"Words; quotes make a phrase, the last word may be the beginning of one"`
	Limit int    `query:"limit" default:"20" minimum:"1" maximum:"500" doc:"Most runs"`
}

func (a *API) search(ctx context.Context, in *searchInput) (*body[domain.Search], error) {
	found, err := a.svc.Search(ctx, domain.SearchFilter{Query: in.Query, Limit: in.Limit})
	return &body[domain.Search]{found}, err
}

// windowOf reads the two ends of a window from a query; an empty text is an open end.
func windowOf(start, end string) (domain.Window, error) {
	var w domain.Window
	for _, side := range []struct {
		name, text string
		to         **time.Time
	}{{"query.start", start, &w.Start}, {"query.end", end, &w.End}} {
		if side.text == "" {
			continue
		}
		t, err := ParseTime(side.text)
		if err != nil {
			return w, domain.Invalid(side.name, "must be an ISO 8601 time")
		}
		*side.to = &t
	}
	return w, nil
}

// JobInput names a job.
type JobInput struct {
	ID string `path:"id" maxLength:"64" doc:"job_id"`
}

func (in *JobInput) run() domain.RunID { return domain.RunID(strings.ToLower(in.ID)) }

func (a *API) benchmark(ctx context.Context, in *JobInput) (*body[domain.Run], error) {
	run, err := a.svc.Benchmark(ctx, in.run())
	return &body[domain.Run]{run}, err
}

type editInput struct {
	JobInput
	Body domain.RunPatch
}

func (a *API) editBenchmark(ctx context.Context, in *editInput) (*body[domain.Run], error) {
	run, err := a.svc.EditBenchmark(ctx, in.run(), in.Body)
	return &body[domain.Run]{run}, err
}

type deleteInput struct {
	JobInput
	Restore bool `query:"restore" doc:"Take the job back out of the trash"`
}

func (a *API) deleteBenchmark(ctx context.Context, in *deleteInput) (*nothing, error) {
	return nil, a.svc.DeleteBenchmark(ctx, in.run(), in.Restore)
}

func (a *API) cancelBenchmark(ctx context.Context, in *JobInput) (*body[domain.Run], error) {
	run, err := a.svc.CancelBenchmark(ctx, in.run())
	return &body[domain.Run]{run}, err
}

func (a *API) rerunBenchmark(ctx context.Context, in *JobInput) (*jobOutput, error) {
	run, err := a.svc.RerunBenchmark(ctx, in.run())
	if err != nil {
		return nil, err
	}
	return started(run), nil
}
