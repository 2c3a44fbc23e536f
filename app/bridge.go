package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/api"
)

// Bridge is bound into the window: what a person does there goes through its methods. Each calls
// the same in-process handler as REST, so that validation and errors cannot differ, and answers
// with JSON text of an Answer. Arguments are ids, and body is the JSON text of the REST body.
type Bridge struct {
	handler http.Handler
	ops     map[string]api.Op
	native  native
}

// native is what only a window can do; nil in tests.
type native interface {
	OpenFile(title, pattern string) (string, error)
	OpenFolder(title string) (string, error)
	SaveFile(title, name string) (string, error)
	Reveal(path string) error
}

// Answer is what a bound method answers with.
type Answer struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"` // null when there is none
}

func newBridge(h http.Handler, ops []api.Op, n native) *Bridge {
	b := &Bridge{handler: h, ops: map[string]api.Op{}, native: n}
	for _, op := range ops {
		if _, known := b.ops[op.Name]; !known {
			b.ops[op.Name] = op
		}
	}
	return b
}

// StartBenchmark starts a benchmark; key makes a repeated call harmless and may be empty.
func (b *Bridge) StartBenchmark(body, key string) string {
	return b.call("StartBenchmark", body, http.Header{"Idempotency-Key": {key}}, nil)
}

// CancelBenchmark stops a queued or running benchmark.
func (b *Bridge) CancelBenchmark(id string) string {
	return b.call("CancelBenchmark", "", nil, nil, id)
}

// RerunBenchmark starts the plan of a benchmark again.
func (b *Bridge) RerunBenchmark(id string) string { return b.call("RerunBenchmark", "", nil, nil, id) }

// EditBenchmark changes name, tags, notes, pin.
func (b *Bridge) EditBenchmark(id, body string) string {
	return b.call("EditBenchmark", body, nil, nil, id)
}

// DeleteBenchmark moves a benchmark to the trash, or takes it back.
func (b *Bridge) DeleteBenchmark(id string, restore bool) string {
	var q url.Values
	if restore {
		q = url.Values{"restore": {strconv.FormatBool(restore)}}
	}
	return b.call("DeleteBenchmark", "", nil, q, id)
}

// Benchmarks lists benchmarks; query is that of the REST route.
func (b *Bridge) Benchmarks(query string) string { return b.list("Benchmarks", query) }

// Benchmark returns one benchmark.
func (b *Bridge) Benchmark(id string) string { return b.call("Benchmark", "", nil, nil, id) }

// BenchmarkMetrics returns the hardware samples of a benchmark.
func (b *Bridge) BenchmarkMetrics(id, query string) string {
	return b.list("BenchmarkMetrics", query, id)
}

// AverageResults returns the averages over successful results.
func (b *Bridge) AverageResults(query string) string { return b.list("AverageResults", query) }

// System describes machine, sensors and program.
func (b *Bridge) System() string { return b.call("System", "", nil, nil) }

// MeasureBandwidth measures how fast memory is read; body may be empty.
func (b *Bridge) MeasureBandwidth(body string) string {
	return b.call("MeasureBandwidth", body, nil, nil)
}

// Models lists models; query is that of the REST route.
func (b *Bridge) Models(query string) string { return b.list("Models", query) }

// AddModel adds a GGUF file.
func (b *Bridge) AddModel(body string) string { return b.call("AddModel", body, nil, nil) }

// RemoveModel forgets a model.
func (b *Bridge) RemoveModel(id string) string { return b.call("RemoveModel", "", nil, nil, id) }

// DownloadModel starts or resumes a download.
func (b *Bridge) DownloadModel(id string) string { return b.call("DownloadModel", "", nil, nil, id) }

// CancelDownload stops a download.
func (b *Bridge) CancelDownload(id string) string { return b.call("CancelDownload", "", nil, nil, id) }

// AddEndpoint adds an endpoint.
func (b *Bridge) AddEndpoint(body string) string { return b.call("AddEndpoint", body, nil, nil) }

// EditEndpoint changes an endpoint.
func (b *Bridge) EditEndpoint(id, body string) string {
	return b.call("EditEndpoint", body, nil, nil, id)
}

// RemoveEndpoint removes an endpoint.
func (b *Bridge) RemoveEndpoint(id string) string { return b.call("RemoveEndpoint", "", nil, nil, id) }

// CheckEndpoint finds out what an endpoint can do; body may be empty.
func (b *Bridge) CheckEndpoint(id, body string) string {
	return b.call("CheckEndpoint", body, nil, nil, id)
}

// AddDataset imports a dataset, or previews one; mediaType is that of the text, query that of the
// REST route.
func (b *Bridge) AddDataset(query, mediaType, text string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return badQuery()
	}
	return b.call("AddDataset", text, http.Header{"Content-Type": {mediaType}}, q)
}

// RemoveDataset deletes an imported dataset.
func (b *Bridge) RemoveDataset(id string) string { return b.call("RemoveDataset", "", nil, nil, id) }

// EraseBenchmark deletes a benchmark of the trash for good.
func (b *Bridge) EraseBenchmark(id string) string { return b.call("EraseBenchmark", "", nil, nil, id) }

// EmptyTrash deletes every benchmark of the trash for good.
func (b *Bridge) EmptyTrash() string { return b.call("EmptyTrash", "", nil, nil) }

// CompactStorage gives free space back to the disk.
func (b *Bridge) CompactStorage() string { return b.call("CompactStorage", "", nil, nil) }

// CancelStorageTask stops what works the whole database.
func (b *Bridge) CancelStorageTask() string { return b.call("CancelStorageTask", "", nil, nil) }

// MoveStorage moves the data folder.
func (b *Bridge) MoveStorage(body string) string { return b.call("MoveStorage", body, nil, nil) }

// CancelMove leaves the data folder where it is after all.
func (b *Bridge) CancelMove() string { return b.call("CancelMove", "", nil, nil) }

// RemoveOldData deletes what a move left in the old place.
func (b *Bridge) RemoveOldData() string { return b.call("RemoveOldData", "", nil, nil) }

// ApplyRetention applies the rules of retention that are set.
func (b *Bridge) ApplyRetention() string { return b.call("ApplyRetention", "", nil, nil) }

// AddBackup copies the database.
func (b *Bridge) AddBackup() string { return b.call("AddBackup", "", nil, nil) }

// RemoveBackup deletes a copy of the database.
func (b *Bridge) RemoveBackup(name string) string { return b.call("RemoveBackup", "", nil, nil, name) }

// RestoreBackup puts a copy in place of the database at the next start.
func (b *Bridge) RestoreBackup(name string) string {
	return b.call("RestoreBackup", "", nil, nil, name)
}

// CancelRestore keeps the database after all.
func (b *Bridge) CancelRestore() string { return b.call("CancelRestore", "", nil, nil) }

// Compare holds stored benchmarks against one another.
func (b *Bridge) Compare(body string) string { return b.call("Compare", body, nil, nil) }

// EstimateExperiment says what an experiment would find, without starting it.
func (b *Bridge) EstimateExperiment(body string) string {
	return b.call("EstimateExperiment", body, nil, nil)
}

// StartExperiment plans benchmarks that belong together.
func (b *Bridge) StartExperiment(body string) string {
	return b.call("StartExperiment", body, nil, nil)
}

// MeasureBuild measures a build of the engine against another; body may be empty.
func (b *Bridge) MeasureBuild(body string) string { return b.call("MeasureBuild", body, nil, nil) }

// AcknowledgeAlert notes that somebody has seen to an alert.
func (b *Bridge) AcknowledgeAlert(id string) string {
	return b.call("AcknowledgeAlert", "", nil, nil, id)
}

// ReopenAlert takes an acknowledgement back.
func (b *Bridge) ReopenAlert(id string) string { return b.call("ReopenAlert", "", nil, nil, id) }

// CancelExperiment stops an experiment.
func (b *Bridge) CancelExperiment(id string) string {
	return b.call("CancelExperiment", "", nil, nil, id)
}

// ResumeExperiment goes on with one that was stopped.
func (b *Bridge) ResumeExperiment(id string) string {
	return b.call("ResumeExperiment", "", nil, nil, id)
}

// RemoveExperiment forgets an experiment; its benchmarks stay.
func (b *Bridge) RemoveExperiment(id string) string {
	return b.call("RemoveExperiment", "", nil, nil, id)
}

// StartQuality queues a measurement of quality.
func (b *Bridge) StartQuality(body string) string { return b.call("StartQuality", body, nil, nil) }

// CancelQuality stops a measurement of quality; what was measured is kept.
func (b *Bridge) CancelQuality(id string) string { return b.call("CancelQuality", "", nil, nil, id) }

// RemoveQuality forgets a measurement of quality that has ended.
func (b *Bridge) RemoveQuality(id string) string { return b.call("RemoveQuality", "", nil, nil, id) }

// DismissRecovery puts the notice of a recovery away.
func (b *Bridge) DismissRecovery() string { return b.call("DismissRecovery", "", nil, nil) }

// AddView keeps a view of the results.
func (b *Bridge) AddView(body string) string { return b.call("AddView", body, nil, nil) }

// EditView changes a view.
func (b *Bridge) EditView(id, body string) string { return b.call("EditView", body, nil, nil, id) }

// RemoveView removes a view.
func (b *Bridge) RemoveView(id string) string { return b.call("RemoveView", "", nil, nil, id) }

// EditSettings changes stored settings.
func (b *Bridge) EditSettings(body string) string { return b.call("EditSettings", body, nil, nil) }

// RotateToken makes a new token; the old one and every login end at once.
func (b *Bridge) RotateToken() string { return b.call("RotateToken", "", nil, nil) }

// OpenFile shows the system's dialog and returns the chosen path, empty when it was closed.
func (b *Bridge) OpenFile(title, pattern string) (string, error) {
	return b.native.OpenFile(title, pattern)
}

// OpenFolder shows the system's dialog and returns the chosen folder, empty when it was closed.
func (b *Bridge) OpenFolder(title string) (string, error) { return b.native.OpenFolder(title) }

// Reveal shows a file or folder in the system's file manager.
func (b *Bridge) Reveal(path string) error { return b.native.Reveal(path) }

func (b *Bridge) list(name, query string, ids ...string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return badQuery()
	}
	return b.call(name, "", nil, q, ids...)
}

func badQuery() string {
	return answer(http.StatusBadRequest, map[string]any{"status": http.StatusBadRequest, "detail": "The query cannot be read."})
}

// Import takes in a file that the person chose in the system's dialog; query is that of the REST route.
func (b *Bridge) Import(query, path string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return badQuery()
	}
	f, err := os.Open(path) // #nosec G304 -- chosen in the dialog of the system; only the window of this process calls it
	if err != nil {
		return answer(http.StatusUnprocessableEntity, map[string]any{"status": http.StatusUnprocessableEntity, "detail": "The file cannot be opened."})
	}
	defer f.Close()
	return b.send("Import", f, http.Header{"Content-Type": {"application/octet-stream"}}, q)
}

// Export asks where to and writes an export there; query is that of the REST route. The body of the answer
// is the path, null when the dialog was closed.
func (b *Bridge) Export(query, title, name string) string {
	return b.save("Export", query, title, name)
}

// Support asks where to and writes what a report needs there; the answer is as that of Export.
func (b *Bridge) Support(title string) string {
	return b.save("Support", "", title, "inferometer-support.zip")
}

// mostPicture is more than any picture of the window takes, in base64.
const mostPicture = 32 << 20

// SavePicture asks where to and writes a picture that the window has drawn there, handed over as base64; the answer is as
// that of Export.
func (b *Bridge) SavePicture(title, name, base64Text string) string {
	data, err := base64.StdEncoding.DecodeString(base64Text)
	if err != nil || len(base64Text) > mostPicture {
		return answer(http.StatusUnprocessableEntity, map[string]any{"status": http.StatusUnprocessableEntity, "detail": "The picture cannot be read."})
	}
	return b.write(title, filepath.Base(name), bytes.NewReader(data))
}

// save writes what an operation answers with to a file that the person chooses.
func (b *Bridge) save(operation, query, title, name string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return badQuery()
	}
	res, refused := b.ask(operation, nil, nil, q)
	if res == nil {
		return refused
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what of it came is shown
		return answer(res.StatusCode, json.RawMessage(bytes.TrimSpace(body)))
	}
	_, params, _ := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
	return b.write(title, cmp.Or(params["filename"], name), res.Body)
}

// write asks where to and writes there.
func (b *Bridge) write(title, name string, from io.Reader) string {
	path, err := b.native.SaveFile(title, name)
	if err != nil || path == "" {
		return answer(http.StatusOK, nil)
	}
	if _, err := cli.WriteWhole(path, from); err != nil {
		return answer(http.StatusInternalServerError, map[string]any{"status": 500, "detail": "The file could not be written.", "hint": "Choose another folder, or free some space."})
	}
	return answer(http.StatusOK, path)
}

// call answers like the REST route of the operation, with a body of JSON unless the header says else.
func (b *Bridge) call(name, body string, header http.Header, query url.Values, ids ...string) string {
	if body != "" && header.Get("Content-Type") == "" {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Content-Type", "application/json")
	}
	return b.send(name, strings.NewReader(body), header, query, ids...)
}

// send makes the call. A panic becomes an answer, because it would leave the page's promise pending for
// ever.
func (b *Bridge) send(name string, body io.Reader, header http.Header, query url.Values, ids ...string) (out string) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("A bound method panicked", "method", name, "panic", p, "stack", string(debug.Stack()))
			out = answer(http.StatusInternalServerError, map[string]any{"status": 500, "title": "Internal error",
				"detail": "A fault of the program ended this call."})
		}
	}()
	res, refused := b.ask(name, body, header, query, ids...)
	if res == nil {
		return refused
	}
	defer res.Body.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(res.Body); err != nil {
		return answer(http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "The answer broke off."})
	}
	return answer(res.StatusCode, json.RawMessage(bytes.TrimSpace(buf.Bytes())))
}

// ask makes the call of an operation in this process; without an answer it says what the page is told instead.
func (b *Bridge) ask(name string, body io.Reader, header http.Header, query url.Values, ids ...string) (res *http.Response, refused string) {
	op, known := b.ops[name]
	if !known {
		panic("there is no operation " + name)
	}
	target := fill(op.Path, ids)
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(context.Background(), op.Method, "http://window"+target, body)
	if err != nil {
		return nil, answer(http.StatusBadRequest, map[string]any{"status": http.StatusBadRequest, "detail": "The call cannot be read."})
	}
	for k, v := range header {
		if v[0] != "" {
			req.Header[k] = v
		}
	}
	res, err = inProcess{b.handler}.RoundTrip(req)
	if err != nil {
		return nil, answer(http.StatusServiceUnavailable, map[string]any{"status": 503, "detail": "The program is closing."})
	}
	return res, ""
}

// fill puts ids into the {name} parts of a path, in order.
func fill(path string, ids []string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") && len(ids) > 0 {
			parts[i], ids = url.PathEscape(ids[0]), ids[1:]
		}
	}
	return strings.Join(parts, "/")
}

// answer encodes an Answer; a body that is no JSON is passed as text.
func answer(status int, body any) string {
	if raw, ok := body.(json.RawMessage); ok {
		switch {
		case len(raw) == 0:
			body = nil
		case !json.Valid(raw):
			body = string(raw)
		}
	}
	b, err := json.Marshal(map[string]any{"status": status, "body": body})
	if err != nil {
		return `{"status":500,"body":null}`
	}
	return string(b)
}
