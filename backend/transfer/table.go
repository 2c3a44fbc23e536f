package transfer

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// tableColumns are those of a table of requests: first the eight of a list of results, then what else
// is told of one. Times are in ms.
func tableColumns() []string {
	return []string{"request_id", "prompt_text", "generated_text", "token_count", "time_to_first_token", "time_per_output_token", "total_generation_time", "timestamp",
		"job_id", "model", "engine", "n", "phase", "stage", "outcome", "error_class", "http_status", "sent_ms", "due_ms", "ttfr_ms", "ttfv_ms", "closed_ms",
		"prompt_tokens", "cached_tokens", "tokens_from", "finish_reason"}
}

// Table writes requests as CSV. Texts that a spreadsheet would take for a formula begin with a '.
type Table struct{ w *csv.Writer }

// NewTable writes the header.
func NewTable(w io.Writer) (*Table, error) {
	t := &Table{csv.NewWriter(w)}
	return t, t.w.Write(tableColumns())
}

// Request writes one request of a run.
func (t *Table) Request(run *domain.Run, q *domain.RequestRecord) error {
	return t.w.Write([]string{q.RequestID, text(q.Prompt), text(q.Output), count(q.OutputTokens), millis(q.TTFTUs), millis(q.TPOTUs), millis(q.LastUs), moment(q.StartedAt),
		string(run.ID), guard(run.Model), guard(run.Engine), strconv.Itoa(q.N), string(q.Phase), strconv.Itoa(q.Stage), string(q.Outcome), string(q.ErrorClass),
		strconv.Itoa(q.HTTPStatus), millis(&q.SentUs), millis(q.DueUs), millis(q.FirstByteUs), millis(q.TTFVUs), millis(q.ClosedUs),
		count(q.PromptTokens), count(q.CachedTokens), q.TokensFrom, guard(q.FinishReason)})
}

// Result writes one result that belongs to no run.
func (t *Table) Result(r *domain.Result) error {
	row := make([]string, len(tableColumns()))
	copy(row, []string{guard(r.RequestID), text(r.PromptText), text(r.GeneratedText), count(r.TokenCount), number64(r.TimeToFirstToken), number64(r.TimePerOutputToken),
		number64(r.TotalGenerationTime), moment(r.Timestamp), "", guard(r.Model)})
	return t.w.Write(row)
}

// Close writes what is left.
func (t *Table) Close() error {
	t.w.Flush()
	return t.w.Error()
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return guard(*s)
}

func count(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// millis writes µs as ms, with all their digits.
func millis(us *int64) string {
	if us == nil {
		return ""
	}
	return strconv.FormatFloat(float64(*us)/1e3, 'f', -1, 64)
}

func number64(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
