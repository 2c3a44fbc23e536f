// Package transfer reads the files in which other tools keep their runs, and reads and writes
// Inferometer's own. It is pure: it opens nothing and stores nothing. What a file says is kept as it
// says it, with the tool's definitions; only figures that are defined as ours are taken for ours.
package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// File is what is known about a file before it is read.
type File struct {
	Name   string // without its folder
	Format string // one of Formats, or empty: it is found out
	Model  string // stands in where the file names no model
	At     time.Time
}

// Run is one run as a file tells it. Run has no id yet, and a summary only where Requests is empty.
type Run struct {
	domain.Run
	Requests []domain.RequestRecord
	Phases   []domain.PhaseChange
}

// Doc is what one file holds.
type Doc struct {
	Format  string
	Runs    []Run
	Results []domain.Result // single results without a run
}

// format is one layout of a file.
type format struct {
	name string
	// is looks at a file's outer shape.
	is   func(shape) bool
	read func(File, shape) (Doc, error)
}

// formats are the layouts in the order in which they are tried.
func formats() []format {
	return []format{
		{"vllm", isVLLM, readVLLM},
		{"guidellm", isGuidellm, readGuidellm},
		{"guidellm-csv", isGuidellmCSV, readGuidellmCSV},
		{"aiperf", isAIPerf, readAIPerf},
		{"aiperf-jsonl", isAIPerfLines, readAIPerfLines},
		{"llama-benchy", isBenchy, readBenchy},
		{"llama-benchy-csv", isBenchyCSV, readBenchyCSV},
		{"genai-bench", isGenAI, readGenAI},
		{"llama-bench", isLlamaBench, readLlamaBench},
		{"llama-bench-sql", isLlamaBenchSQL, readLlamaBenchSQL},
		{"results", isResults, readResults},
		{"results-csv", isResultsCSV, readResultsCSV},
	}
}

// Formats names the layouts that Read knows.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Read reads a whole file. One that is none of the known layouts, or is broken, is KindInvalid; one
// that names no model, with none in f, names the field query.model.
func Read(f File, data []byte) (Doc, error) {
	s := shapeOf(data)
	for _, known := range formats() {
		if f.Format != known.name && (f.Format != "" || !known.is(s)) {
			continue
		}
		doc, err := known.read(f, s)
		if err != nil {
			return Doc{}, asInvalid(known.name, err)
		}
		if len(doc.Runs) == 0 && len(doc.Results) == 0 {
			return Doc{}, bad("The file holds no result.")
		}
		doc.Format = known.name
		return doc, nil
	}
	return Doc{}, unknown(s)
}

// unknown says what to do about a file that is none of the known layouts.
func unknown(s shape) error {
	e := bad("This file is none that can be imported.")
	e.Hint = "Import a result of vLLM bench serve, GuideLLM, AIPerf, llama-benchy, genai-bench or llama-bench, or a file that Inferometer exported."
	switch {
	case s.has("benchmark_version", "api_backend", "traffic_scenario"):
		e.Msg, e.Hint = "This is the description of a genai-bench experiment, without results.", "Import the file beside it whose name begins with the scenario, such as D64_64_…json."
	case s.kind == kindBroken:
		e.Msg = "This file is broken, or of a kind that cannot be imported."
	}
	return e
}

func bad(msg string) *domain.Error {
	return &domain.Error{Kind: domain.KindInvalid, Msg: msg, Fields: []domain.FieldError{{Location: "body", Message: "cannot be imported"}}}
}

// asInvalid makes an error of reading one for the caller, naming the layout.
func asInvalid(name string, err error) error {
	var e *domain.Error
	if errors.As(err, &e) {
		return e
	}
	e = bad(fmt.Sprintf("The file cannot be read as %s: %v.", name, err))
	e.Err = err
	return e
}

// errNoModel is what a reader returns whose file does not name the model.
func errNoModel() error {
	return &domain.Error{Kind: domain.KindInvalid, Msg: "The file does not name the model that was measured.",
		Hint:   "Say which model it was.",
		Fields: []domain.FieldError{{Location: "query.model", Message: "is needed: this file names no model"}}}
}

// tool is whose file it is.
type tool struct{ id, name, version string }

// begin makes the run of a file: everything that tools have in common. A zero at means that the file
// does not say when it was.
func (f File) begin(t tool, model string, at time.Time) (Run, error) {
	if model == "" {
		model = f.Model
	}
	if model == "" {
		return Run{}, errNoModel()
	}
	im := domain.Imported{Tool: t.id, Name: t.name, Version: t.version, File: f.Name, At: f.At.UTC(), Timed: true,
		Figures: []domain.LensRow{}, Notes: []string{}}
	if at.IsZero() {
		at = f.At
		im.Notes = append(im.Notes, "The file does not say when the run was; the time of the import stands in.")
	}
	at = at.UTC().Truncate(time.Microsecond)
	name := t.name
	if f.Name != "" {
		name += ": " + f.Name
	}
	r := domain.Run{Name: clip(name, 200), Model: clip(model, 512), Task: domain.TaskTextGeneration, Status: domain.StatusCompleted,
		CreatedAt: at, StartedAt: &at, Tags: []string{}, Warnings: []domain.Warning{}, Imported: &im}
	r.Plan = domain.Plan{ModelID: r.Model, Task: r.Task, PromptCache: domain.CacheOn, Repeat: 1,
		Stages: []domain.PlanStage{}, SLO: []domain.Objective{}, Phases: []domain.Phase{domain.PhaseMeasure}}
	return Run{Run: r}, nil
}

// stage adds a stage of the plan; the first one is also the plan's load.
func (r *Run) stage(l domain.Load, depth *int) *domain.PlanStage {
	if len(r.Plan.Stages) == 0 {
		r.Plan.Load = l
	}
	r.Plan.Stages = append(r.Plan.Stages, domain.PlanStage{Index: len(r.Plan.Stages), Name: loadName(l), Load: l, DepthTokens: depth})
	return &r.Plan.Stages[len(r.Plan.Stages)-1]
}

// loadName is a load in the words of the command line.
func loadName(l domain.Load) string {
	switch {
	case l.Concurrency != nil:
		return fmt.Sprintf("%s:%d", l.Kind, *l.Concurrency)
	case l.RatePerS != nil:
		return fmt.Sprintf("%s:%g/s", l.Kind, *l.RatePerS)
	}
	return l.Kind
}

// closed is a fixed number of users.
func closed(users int) domain.Load {
	if users <= 1 {
		return domain.Load{Kind: domain.LoadSingle, Concurrency: new(1)}
	}
	return domain.Load{Kind: domain.LoadClosed, Concurrency: &users}
}

// figure adds a figure as the file has it; one that is no number is left out.
func (r *Run) figure(key, label, unit string, value *float64, definition string) {
	if value == nil || math.IsNaN(*value) || math.IsInf(*value, 0) {
		return
	}
	r.Imported.Figures = append(r.Imported.Figures, domain.LensRow{Key: key, Label: label, Unit: unit, Value: value, Definition: definition})
}

func (r *Run) note(format string, args ...any) {
	r.Imported.Notes = append(r.Imported.Notes, fmt.Sprintf(format, args...))
}

// settle numbers the requests, takes the earliest as the begin of the run and tells when each stage
// began. Their SentUs count from any common moment until then.
func (r *Run) settle() {
	r.Imported.Requests = len(r.Requests) > 0
	if len(r.Requests) == 0 {
		return
	}
	slices.SortStableFunc(r.Requests, func(a, b domain.RequestRecord) int {
		if a.Stage != b.Stage {
			return a.Stage - b.Stage
		}
		return int(a.SentUs - b.SentUs)
	})
	first := slices.MinFunc(r.Requests, func(a, b domain.RequestRecord) int { return int(a.SentUs - b.SentUs) }).SentUs
	var end int64
	for i := range r.Requests {
		q := &r.Requests[i]
		q.N, q.SentUs = i, q.SentUs-first
		q.StartedAt = r.StartedAt.Add(time.Duration(q.SentUs) * time.Microsecond)
		q.TokensFrom = fromImport
		if q.Phase == "" {
			q.Phase = domain.PhaseMeasure
		}
		if q.Outcome == "" {
			q.Outcome = domain.OutcomeOK
		}
		if n := len(r.Phases); n == 0 || r.Phases[n-1].Stage.Index != q.Stage {
			r.Phases = append(r.Phases, r.begins(q))
		}
		if q.MaxTokens == 0 {
			q.MaxTokens = r.Plan.MaxTokens
		}
		for _, p := range []*int64{q.LastUs, q.ClosedUs} {
			if p != nil {
				end = max(end, q.SentUs+*p)
			}
		}
	}
	if r.Imported.Timed {
		at := r.StartedAt.Add(time.Duration(end) * time.Microsecond)
		r.EndedAt = &at
		r.Phases = append(r.Phases, domain.PhaseChange{Phase: domain.PhaseStop, TUs: end, At: at})
	} else {
		r.Phases = nil
	}
}

// begins marks the begin of the stage whose first request q is.
func (r *Run) begins(q *domain.RequestRecord) domain.PhaseChange {
	mark := &domain.StageMark{Index: q.Stage}
	if q.Stage < len(r.Plan.Stages) {
		s := r.Plan.Stages[q.Stage]
		mark = &domain.StageMark{Index: s.Index, Name: s.Name, Load: s.Load, DepthTokens: s.DepthTokens}
	}
	return domain.PhaseChange{Phase: domain.PhaseMeasure, TUs: q.SentUs, At: q.StartedAt, Stage: mark}
}

// fromImport is the source of token counts that another tool took.
const fromImport = "import"

// us makes whole microseconds of a time in a unit of so many seconds.
func us(v, unit float64) int64 { return int64(math.Round(v * unit * 1e6)) }

// chunks sets the arrival times of the pieces from the first and the gaps between them, in a unit of so
// many seconds. They are summed before they are rounded, so that no error adds up.
func chunks(q *domain.RequestRecord, first float64, gaps []float64, unit float64) {
	at := first
	q.ChunkUs = append(make([]int64, 0, len(gaps)+1), us(at, unit))
	for _, g := range gaps {
		at += g
		q.ChunkUs = append(q.ChunkUs, us(at, unit))
	}
	q.ChunkKinds = slices.Repeat([]domain.ChunkKind{domain.ChunkText}, len(q.ChunkUs))
	last := q.ChunkUs[len(q.ChunkUs)-1]
	q.LastUs = &last
}

// timeOutput fills the time per output token, which follows from first and last token.
func timeOutput(q *domain.RequestRecord) {
	if q.OutputTokens != nil && *q.OutputTokens > 1 && q.TTFTUs != nil && q.LastUs != nil {
		q.TPOTUs = new((*q.LastUs - *q.TTFTUs) / int64(*q.OutputTokens-1))
	}
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// strict decodes JSON into v with an error that names the field.
func strict(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		return fmt.Errorf("%s is not of the expected type", typed.Field)
	}
	return err
}
