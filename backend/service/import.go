package service

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/stats"
	"github.com/inferometer/inferometer/backend/transfer"
)

const (
	mostFileBytes   = 256 << 20 // of another tool's file, which is read as a whole
	mostBundleBytes = 8 << 30
	recordsAtOnce   = 500
	resultsAtOnce   = 5000
)

// ImportUpload is a file as it arrives.
type ImportUpload struct {
	File   string // its name
	Format string // one of transfer.Formats, or auto or empty: found out
	Model  string // for files that name none
	Body   io.Reader
}

// Import stores what a file of another tool or of this program holds. A file that was imported before is
// KindConflict, as is any while a benchmark is measured. Runs that are here already are left as they are
// and told. What stood before a fault in a file of this program stays.
func (s *Service) Import(ctx context.Context, u ImportUpload) (domain.ImportResult, error) {
	u.File = baseName(u.File)
	if err := checkUpload(&u); err != nil {
		return domain.ImportResult{}, err
	}
	if err := s.quietDisk(); err != nil {
		return domain.ImportResult{}, err
	}
	in := bufio.NewReaderSize(u.Body, 1<<16)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return domain.ImportResult{}, unreadableBody(err)
	}
	im := &importer{s: s, upload: u, out: domain.ImportResult{Runs: []domain.Run{}, Known: []domain.RunID{}, Notes: []string{}}}
	switch {
	case transfer.IsBundle(head):
		err = im.bundle(ctx, in)
	case transfer.IsNative(head):
		im.out.Format = "jsonl"
		err = transfer.ReadNative(ctx, in, im)
	case transfer.IsResultsTable(head):
		im.out.Format = "results-csv"
		err = transfer.ReadResultsTable(in, resultsAtOnce, func(rows []domain.Result) error { return im.results(ctx, rows) })
	default:
		err = im.file(ctx, in)
	}
	if err != nil {
		return domain.ImportResult{}, im.failed(ctx, err)
	}
	for _, r := range im.out.Runs {
		s.d.Hub.Publish(domain.EventRunCreated, r)
		s.d.Hub.Publish(domain.EventRunFinished, r)
	}
	s.rested() // there are texts to index
	return im.out, nil
}

// baseName is the last part of a file's name as either system writes it.
func baseName(name string) string { return name[strings.LastIndexAny(name, `/\`)+1:] }

func checkUpload(u *ImportUpload) error {
	var bad fieldErrors
	checkLabels("query.file", u.File, 255, &bad)
	checkLabels("query.model", u.Model, 512, &bad)
	if u.Format == "auto" {
		u.Format = ""
	}
	if u.Format != "" && !slices.Contains(transfer.Formats(), u.Format) {
		bad.add("query.format", "must be auto or one of %s", strings.Join(transfer.Formats(), ", "))
	}
	return bad.err()
}

func unreadableBody(err error) error {
	return &domain.Error{Kind: domain.KindMalformed, Msg: "The file could not be read to its end.", Err: err}
}

// importer stores one file. It is the transfer.Sink of the program's own.
type importer struct {
	s      *Service
	upload ImportUpload
	out    domain.ImportResult
	run    *domain.Run // being stored; it lies in the trash until it is whole
	batch  domain.Batch
}

// failed takes back the run that is not whole and says what stays.
func (m *importer) failed(ctx context.Context, err error) error {
	if m.run != nil {
		if e := m.s.d.Store.EraseRun(context.WithoutCancel(ctx), m.run.ID); e != nil {
			m.s.d.Log.Warn("Cannot take back a run that was half imported", "runId", m.run.ID, "error", e)
		}
	}
	var e *domain.Error
	if errors.As(err, &e) && len(m.out.Runs) > 0 {
		told := *e
		told.Hint = strings.TrimSpace(fmt.Sprintf("What came before it was imported: %d runs. %s", len(m.out.Runs), e.Hint))
		return &told
	}
	return err
}

// file reads another tool's file as a whole.
func (m *importer) file(ctx context.Context, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, mostFileBytes+1))
	if err != nil {
		return unreadableBody(err)
	}
	if len(data) > mostFileBytes {
		return &domain.Error{Kind: domain.KindTooLarge, Msg: "The file is larger than 256 MiB.",
			Fields: []domain.FieldError{{Location: "body", Message: "must not be larger than 256 MiB"}}}
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	if err := m.notKnown(ctx, digest); err != nil {
		return err
	}
	doc, err := transfer.Read(transfer.File{Name: m.upload.File, Format: m.upload.Format, Model: m.upload.Model, At: m.s.d.Now()}, data)
	if err != nil {
		return err
	}
	m.out.Format = doc.Format
	for i := range doc.Runs {
		r := &doc.Runs[i]
		r.ID = domain.RunID(uuid.NewString())
		r.Imported.Format, r.Imported.SHA256 = doc.Format, digest
		m.out.Notes = append(m.out.Notes, r.Imported.Notes...)
		if err := m.store(ctx, r); err != nil {
			return err
		}
	}
	return m.results(ctx, doc.Results)
}

// notKnown refuses a file that was imported before.
func (m *importer) notKnown(ctx context.Context, digest string) error {
	ids, err := m.s.d.Store.ImportedFrom(ctx, digest)
	if err != nil || len(ids) == 0 {
		return err
	}
	run, err := m.s.d.Store.Run(ctx, ids[0])
	if err != nil {
		return err
	}
	e := &domain.Error{Kind: domain.KindConflict, Msg: "This file was imported before: it is the benchmark " + string(run.ID) + "."}
	if run.DeletedAt != nil {
		e.Hint = "It lies in the trash; take it back from there."
	}
	return e
}

// store stores a run of another tool with its requests.
func (m *importer) store(ctx context.Context, r *transfer.Run) error {
	if err := m.Begin(ctx, r.Run); err != nil {
		return err
	}
	for i := range r.Requests {
		// The ids of a file may be those of another import of it.
		r.Requests[i].RequestID = uuid.NewSHA1(uuid.MustParse(string(r.ID)), []byte(strconv.Itoa(r.Requests[i].N))).String()
		if err := m.Request(ctx, r.Requests[i]); err != nil {
			return err
		}
	}
	m.batch.Phases = r.Phases
	if err := m.flush(ctx); err != nil {
		return err
	}
	if len(r.Requests) > 0 {
		in, err := m.s.records(ctx, *m.run, domain.EngineInfo{})
		if err != nil {
			return err
		}
		summarise(m.run, in)
	} else {
		judge(m.run, domain.Validity{Verdict: "valid", Checks: []domain.Check{}, Interference: []domain.Interference{}})
	}
	return m.End(ctx)
}

// summarise fills what follows from the requests of an imported run. What this program would have had to
// see for itself is left out.
func summarise(r *domain.Run, in stats.Input) {
	in.Sensors, in.GPUs, in.Facts, in.Prices = nil, nil, nil, domain.EnergyPrices{}
	rep := stats.Report(in)
	rep.Summary.Energy = nil
	for i := range rep.Summary.Stages {
		st := &rep.Summary.Stages[i]
		if st.Hardware = nil; st.Summary != nil {
			st.Summary.Energy = nil
		}
	}
	r.TokensGenerated, r.Output, r.Summary, r.DurationS = rep.TokensGenerated, rep.Output, &rep.Summary, rep.DurationS
	keep := []string{"outcomes", "sample_size", "token_count", "length", "client", "unstable"}
	if !r.Imported.Timed {
		keep = []string{"outcomes", "sample_size", "token_count", "length"}
		withoutTimes(r)
	}
	v := domain.Validity{Verdict: "valid", Checks: []domain.Check{}, Interference: []domain.Interference{}}
	for _, c := range rep.Validity.Checks {
		if slices.Contains(keep, c.Code) {
			v.Add(c)
		}
	}
	inOrder := []string{"warming_up", "drift"}
	for _, w := range rep.Warnings {
		if w.Code != "telemetry_degraded" && (r.Imported.Timed || !slices.Contains(inOrder, w.Code)) {
			r.Warnings = append(r.Warnings, w)
		}
	}
	addOurs(r, in)
	judge(r, v)
}

// withoutTimes takes out what depends on when requests were sent.
func withoutTimes(r *domain.Run) {
	r.DurationS = nil
	blank := func(f *domain.Figures) {
		f.WindowS, f.OutputTokensPerSecond, f.RequestsPerSecond, f.DeliveredConcurrency, f.ArrivalsPerSecond = nil, nil, nil, nil, nil
		if f.Goodput != nil {
			f.Goodput.RequestsPerSecond, f.Goodput.TokensPerSecond = nil, nil
		}
	}
	blank(&r.Summary.Figures)
	r.Summary.Steady = nil
	for i := range r.Summary.Stages {
		st := &r.Summary.Stages[i]
		st.StartUs, st.EndUs, st.Course = nil, nil, nil
		if st.Summary != nil {
			blank(st.Summary)
		}
	}
}

// addOurs puts our figure of the same requests beside the tool's, where both have one.
func addOurs(r *domain.Run, in stats.Input) {
	if !r.Imported.Timed {
		return
	}
	for _, l := range stats.Lenses(in) {
		if l.Tool != r.Imported.Tool {
			continue
		}
		for _, row := range l.Rows {
			for i := range r.Imported.Figures {
				if f := &r.Imported.Figures[i]; f.Key == row.Key {
					f.Ours = row.Ours
				}
			}
		}
	}
}

// judge gives an imported run its verdict, with the check that says what nobody looked at: such a run is
// never taken for valid.
func judge(r *domain.Run, v domain.Validity) {
	v.Add(domain.Check{Code: "imported", State: "caution", Detail: "Another program measured this run: neither the machine nor the engine was watched."})
	r.Validity = &v
}

// Begin implements transfer.Sink. The run lies in the trash until End, so that one that was cut off by
// the end of the program is never taken for whole.
func (m *importer) Begin(ctx context.Context, r domain.Run) error {
	if _, err := m.s.d.Store.Run(ctx, r.ID); err == nil {
		m.out.Known = append(m.out.Known, r.ID)
		return transfer.ErrKnown
	} else if domain.KindOf(err) != domain.KindNotFound {
		return err
	}
	if r.Imported == nil {
		r.Imported = &domain.Imported{Tool: "inferometer", Name: "Inferometer", Format: m.out.Format, File: m.upload.File,
			At: m.s.d.Now().UTC().Truncate(time.Microsecond), Requests: true, Timed: true, Figures: []domain.LensRow{}, Notes: []string{}}
		if r.Environment != nil {
			r.Imported.Version = r.Environment.AppVersion
		}
	}
	whole := r
	whole.DeletedAt, whole.Sample, whole.Progress = nil, false, nil
	hidden, from := whole, *whole.Imported
	from.Notes = append(slices.Clone(from.Notes), "The program ended while this run was imported: it is not whole.")
	hidden.Status, hidden.DeletedAt, hidden.Imported = domain.StatusInterrupted, new(m.s.d.Now().UTC()), &from
	if err := m.s.d.Store.CreateRun(ctx, hidden); err != nil {
		return err
	}
	m.run, m.batch = &whole, domain.Batch{}
	return nil
}

// Phase implements transfer.Sink.
func (m *importer) Phase(_ context.Context, p domain.PhaseChange) error {
	m.batch.Phases = append(m.batch.Phases, p)
	return nil
}

// Request implements transfer.Sink.
func (m *importer) Request(ctx context.Context, q domain.RequestRecord) error {
	m.batch.Requests = append(m.batch.Requests, q)
	return m.flushFull(ctx)
}

// Sample implements transfer.Sink.
func (m *importer) Sample(ctx context.Context, x domain.Sample) error {
	m.batch.Samples = append(m.batch.Samples, x)
	return m.flushFull(ctx)
}

func (m *importer) flushFull(ctx context.Context) error {
	if len(m.batch.Requests)+len(m.batch.Samples) < recordsAtOnce {
		return nil
	}
	return m.flush(ctx)
}

func (m *importer) flush(ctx context.Context) error {
	b := m.batch
	m.batch = domain.Batch{}
	return m.s.d.Store.AppendRun(ctx, m.run.ID, b)
}

// End implements transfer.Sink: the run is whole and comes out of the trash.
func (m *importer) End(ctx context.Context) error {
	if err := m.flush(ctx); err != nil {
		return err
	}
	if err := m.s.d.Store.UpdateRun(ctx, *m.run); err != nil {
		return err
	}
	m.out.Runs = append(m.out.Runs, *m.run)
	m.run = nil
	return nil
}

// results stores single results; one with the id of an earlier one replaces it.
func (m *importer) results(ctx context.Context, rows []domain.Result) error {
	for group := range slices.Chunk(rows, resultsAtOnce) {
		if err := m.s.d.Store.UpsertResults(ctx, group, false); err != nil {
			return err
		}
		m.out.Results += len(group)
	}
	return nil
}

// bundle lays an archive down beside the database, since its end has to be read first, and verifies the
// whole of it before anything is stored.
func (m *importer) bundle(ctx context.Context, r io.Reader) error {
	f, err := os.CreateTemp(m.s.spoolDir(), "import-*.zip")
	if err != nil {
		return fmt.Errorf("lay the bundle down: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := io.Copy(f, io.LimitReader(r, mostBundleBytes+1))
	if err != nil {
		return unreadableBody(err)
	}
	if size > mostBundleBytes {
		return &domain.Error{Kind: domain.KindTooLarge, Msg: "The bundle is larger than 8 GiB.",
			Fields: []domain.FieldError{{Location: "body", Message: "must not be larger than 8 GiB"}}}
	}
	o, err := transfer.OpenBundle(f, size)
	if err != nil {
		return err
	}
	m.out.Format, m.out.Signed = "bundle", o.Signer
	return o.Read(ctx, m)
}

// clearSpool removes what an import or export left behind that the end of the program cut off.
func (s *Service) clearSpool() {
	dir := s.spoolPath()
	if dir == "" {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		s.d.Log.Warn("Cannot remove what an import or export left behind", "error", err)
	}
}

func (s *Service) spoolPath() string {
	dir := s.d.App().DataDir
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "tmp")
}

// spoolDir is where large files lie for a while: the disk of the data folder, which has room for them.
func (s *Service) spoolDir() string {
	dir := s.spoolPath()
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return "" // the system's
	}
	return dir
}

// ImportFormats are the words for the layouts that can be imported; auto finds it out.
func ImportFormats() []string { return append([]string{"auto"}, transfer.Formats()...) }
