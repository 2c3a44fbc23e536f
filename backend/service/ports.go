package service

import (
	"context"
	"crypto/ed25519"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// RunStore keeps runs and their raw records. store.Store implements every *Store interface here.
type RunStore interface {
	CreateRun(ctx context.Context, r domain.Run) error
	// UpdateRun writes every column of an existing run but its records.
	UpdateRun(ctx context.Context, r domain.Run) error
	// AppendRun stores a batch in one transaction.
	AppendRun(ctx context.Context, id domain.RunID, b domain.Batch) error
	// Run returns KindNotFound when there is none. Trashed runs are returned, with DeletedAt set.
	Run(ctx context.Context, id domain.RunID) (domain.Run, error)
	Runs(ctx context.Context, f domain.RunFilter) (domain.Page[domain.Run], error)
	// ImportedFrom lists the runs that came from a file of this checksum, those in the trash included.
	ImportedFrom(ctx context.Context, sha256 string) ([]domain.RunID, error)
}

// RecordStore reads and removes what AppendRun stored.
type RecordStore interface {
	Requests(ctx context.Context, id domain.RunID, f domain.RequestFilter) (domain.Page[domain.RequestRecord], error) // without chunks and text
	Request(ctx context.Context, id domain.RunID, n int) (domain.RequestRecord, error)                                // whole
	Records(ctx context.Context, id domain.RunID) iter.Seq2[domain.RequestRecord, error]                              // all, whole
	// RequestValues returns a figure of the successful measured requests in µs, and ChunkTimes the times of their chunks; a
	// nil stage is the whole run.
	RequestValues(ctx context.Context, id domain.RunID, metric string, stage *int) ([]float64, error)
	ChunkTimes(ctx context.Context, id domain.RunID, stage *int) iter.Seq2[[]int64, error]
	Samples(ctx context.Context, id domain.RunID) iter.Seq2[domain.Sample, error]                         // all, by time
	SampleRange(ctx context.Context, id domain.RunID, fromUs, toUs int64) iter.Seq2[domain.Sample, error] // of some times
	// SampleEnvelope returns at most so many samples with the lowest and the highest values of all.
	SampleEnvelope(ctx context.Context, id domain.RunID, f domain.SampleFilter, points int) ([]domain.Sample, error)
	Phases(ctx context.Context, id domain.RunID) ([]domain.PhaseChange, error)
	// SingleResults yields the results that belong to no run, in the order in which they were stored;
	// sample ones are left out.
	SingleResults(ctx context.Context) iter.Seq2[domain.Result, error]
	// CopyTo makes a database at path, which must not exist, with the runs and their records; of all, ids
	// left out, a copy of the whole.
	CopyTo(ctx context.Context, path string, ids []domain.RunID) error
	// FoldTelemetry packs some samples of ended runs and reports whether any are left.
	FoldTelemetry(ctx context.Context) (more bool, err error)
}

// SearchStore finds runs by their words; KindUnavailable in a build without full-text search.
type SearchStore interface {
	Search(ctx context.Context, f domain.SearchFilter) (domain.Search, error)
	// IndexTexts puts some texts of ended runs into the index and reports whether any are left.
	IndexTexts(ctx context.Context) (more bool, err error)
}

// ExperimentStore keeps experiments; what they have come to follows from their runs.
type ExperimentStore interface {
	// CreateExperiment stores an experiment and its runs, all or none.
	CreateExperiment(ctx context.Context, e domain.Experiment, runs []domain.Run) error
	// ExtendExperiment stores what was planned further: arms, order, end and new runs, all or none.
	ExtendExperiment(ctx context.Context, e domain.Experiment, runs []domain.Run) error
	Experiments(ctx context.Context) ([]domain.Experiment, error)
	Experiment(ctx context.Context, id string) (domain.Experiment, error)
	// ExperimentRuns lists the runs in the order in which they were queued, without those of the trash.
	ExperimentRuns(ctx context.Context, id string) ([]domain.Run, error)
	// ExperimentRunStates lists the runs of every experiment by its id, of each no more than id, status, time of
	// creation, error and place.
	ExperimentRunStates(ctx context.Context) (map[string][]domain.Run, error)
	// DeleteExperiment removes an experiment; its runs stay and stand alone.
	DeleteExperiment(ctx context.Context, id string) error
}

// QualityStore keeps measurements of quality and their raw records.
type QualityStore interface {
	PutQuality(ctx context.Context, q domain.Quality) error
	AppendQuality(ctx context.Context, id string, r domain.QualityRecord) error
	QualityRecords(ctx context.Context, id string) ([]domain.QualityRecord, error)
	Qualities(ctx context.Context, f domain.QualityFilter) ([]domain.Quality, error)
	Quality(ctx context.Context, id string) (domain.Quality, error)
	DeleteQuality(ctx context.Context, id string) error
	// InterruptQualities marks those that wait or run as interrupted.
	InterruptQualities(ctx context.Context, at time.Time, why domain.RunError) error
}

// AlertStore keeps what was seen in the series of runs.
type AlertStore interface {
	PutAlert(ctx context.Context, a domain.Alert) error // in place of one with the same id
	// Alerts lists them, newest first; with open only those that nobody has acknowledged.
	Alerts(ctx context.Context, open bool) ([]domain.Alert, error)
	// AcknowledgeAlert notes when somebody has seen to it; nil takes that back.
	AcknowledgeAlert(ctx context.Context, id string, at *time.Time) (domain.Alert, error)
}

// ViewStore counts runs and keeps views of them.
type ViewStore interface {
	Facets(ctx context.Context, f domain.RunFilter) (domain.Facets, error)
	PutView(ctx context.Context, v domain.SavedView) error // KindConflict when another view has the name
	Views(ctx context.Context) ([]domain.SavedView, error)
	View(ctx context.Context, id string) (domain.SavedView, error)
	DeleteView(ctx context.Context, id string) error
}

// SpaceStore knows what takes space, frees it, and keeps copies of the database.
type SpaceStore interface {
	Usage(ctx context.Context) (domain.Storage, error)
	// Compact gives free space back; tell hears, as below, how many bytes of how many are done.
	Compact(ctx context.Context, tell func(done, total int64)) (domain.Compacted, error)
	// WouldFree counts what rules free at a moment; DropTexts and DropTelemetry free some of it and return how
	// many runs they changed, 0 at the end.
	WouldFree(ctx context.Context, rules domain.RetentionRules, now time.Time) (domain.Retention, error)
	DropTexts(ctx context.Context, now time.Time, days int) (int, error)
	DropTelemetry(ctx context.Context, now time.Time, days int) (int, error)
	EraseRun(ctx context.Context, id domain.RunID) error // one of the trash
	Backups(ctx context.Context) ([]domain.Backup, error)
	AddBackup(ctx context.Context, tell func(done, total int64)) (domain.Backup, error)
	// BackUpDaily makes a backup if one is due at a moment, and keeps so many of its kind.
	BackUpDaily(ctx context.Context, now time.Time, keep int) (made bool, err error)
	RemoveBackup(ctx context.Context, name string) error
	// StageRestore lays a backup ready for the next opening; CancelRestore takes that back.
	StageRestore(ctx context.Context, name string, tell func(done, total int64)) error
	CancelRestore(ctx context.Context) error
	// State says how well the database is; Check finds that out by reading all of it, if that is due.
	State() domain.DatabaseState
	Check(ctx context.Context) error
	KeepReserve() error // of room for deleting on a full disk
	ForgetRecovery(ctx context.Context) error
}

// MaintenanceStore is what start-up and housekeeping need.
type MaintenanceStore interface {
	// InterruptRunning marks every run that is still "running" as interrupted and returns them.
	InterruptRunning(ctx context.Context, at time.Time) ([]domain.Run, error)
	PurgeRuns(ctx context.Context, deletedBefore time.Time) (int, error) // empties the trash
	Ping(ctx context.Context) error
	SizeBytes() int64
}

// ResultStore answers seed A.
type ResultStore interface {
	// Averages counts successful results; sample rows only when the filter allows them.
	Averages(ctx context.Context, w domain.Window, f domain.ResultFilter) (domain.Averages, error)
	// HasResults reports whether any result lies in the window, whatever its metrics.
	Results(ctx context.Context, w domain.Window, f domain.ResultFilter, limit, offset int) (domain.Page[domain.Result], error)
	// UpsertResults inserts or replaces sample results by request id.
	UpsertResults(ctx context.Context, rs []domain.Result, sample bool) error
}

// LibraryStore keeps datasets, endpoints, added models, and settings.
type LibraryStore interface {
	PutDataset(ctx context.Context, d domain.Dataset, prompts []domain.Prompt) error
	Datasets(ctx context.Context) ([]domain.Dataset, error)
	Dataset(ctx context.Context, id string) (domain.Dataset, []domain.Prompt, error)
	DeleteDataset(ctx context.Context, id string) error
}

// EndpointStore keeps endpoints; keys live in the SecretStore alone.
type EndpointStore interface {
	PutEndpoint(ctx context.Context, e domain.Endpoint) error
	Endpoints(ctx context.Context) ([]domain.Endpoint, error)
	Endpoint(ctx context.Context, id string) (domain.Endpoint, error)
	DeleteEndpoint(ctx context.Context, id string) error
}

// KeyValueStore keeps stored settings and small state as JSON text.
type KeyValueStore interface {
	GetKV(ctx context.Context, key string) (string, bool, error)
	SetKV(ctx context.Context, key, value string) error
}

// Store is all of storage; store.Store implements it.
type Store interface {
	RunStore
	RecordStore
	SearchStore
	ViewStore
	ExperimentStore
	QualityStore
	AlertStore
	SpaceStore
	MaintenanceStore
	ResultStore
	LibraryStore
	EndpointStore
	KeyValueStore
}

// Sampler is the telemetry the service needs; telemetry.Sampler implements it.
type Sampler interface {
	// Begin tags samples from now on with a run: TUs counts from start, sink gets every sample
	// (called on the sampler's goroutine, must not block). End goes back to idle.
	Begin(start time.Time, sink func(domain.Sample))
	SetPhase(p domain.Phase) // takes a forced reading at the edge, tagged with the new phase
	SetEnginePID(pid int)    // 0: none
	End()
	Latest() (domain.Sample, bool)
	History(d time.Duration) []domain.Sample // newest last, from the ring
	System() domain.System                   // static facts and sensors; App is left empty
	Stats() domain.Telemetry
	SetRate(hz float64) // from the next tick on
	// SetRemote adds what fresh returns to each sample until it is set to nil.
	SetRemote(fresh func() []domain.RemoteSample)
}

// Library knows models and engine builds on this machine and how to get more; library.Library
// implements it.
type Library interface {
	Models(ctx context.Context, installed bool) ([]domain.Model, error) // installed or not yet installed
	Model(ctx context.Context, id string) (domain.Model, error)         // KindNotFound; catalogue ones too
	AddFile(ctx context.Context, path string) (domain.Model, error)
	SHA256(ctx context.Context, path string) (string, error) // of a model file; remembered
	Remove(ctx context.Context, id string) error
	Download(ctx context.Context, id string) (domain.Download, error) // starts in the background; resumes
	CancelDownload(ctx context.Context, id string) error
}

// EngineSource locates, installs and runs the embedded engine.
type EngineSource interface {
	// LocalEngine returns a fresh managed engine for one run; KindConflict with a hint when no
	// engine is installed. build is the id of one of its builds, or empty: the chosen one.
	LocalEngine(ctx context.Context, build string) (engine.Engine, error)
	// EndpointEngine returns an engine for a remote address.
	EndpointEngine(e domain.Endpoint, apiKey string) (engine.Engine, error)
	Engines(ctx context.Context) ([]domain.Engine, error)
	EngineLog(ctx context.Context, id string) ([]string, error)
	// Discover looks for servers at the usual local ports, never at an address that skip names.
	Discover(ctx context.Context, skip func(rawURL string) bool) ([]domain.Discovered, error)
}

// Publisher sends live events; stream.Hub implements it. Publish never blocks.
type Publisher interface {
	Publish(kind domain.EventKind, data any)
	// Subscribe replays what came after lastID ("" for none), then follows until ctx ends.
	Subscribe(ctx context.Context, lastID string) <-chan domain.Event
}

// SecretStore keeps endpoint keys outside the database.
type SecretStore interface {
	Set(id, secret string) (from string, err error) // from: keyring, memory or env:NAME
	Get(id string) (string, error)
	Delete(id string) error
}

// SettingsStore is the typed settings with their origins; config.Settings implements it.
type SettingsStore interface {
	Settings() domain.Settings
	Apply(ctx context.Context, p domain.SettingsPatch) error // KindInvalid, KindConflict when locked
	Debug() bool
	StoreText() bool
	AllowedHosts() []string
	EnergyPrices() domain.EnergyPrices
	Retention() domain.RetentionRules
	BackupKeep() int
	WatchBuilds() string
}

// Mover moves the data folder; relocate.Mover implements it.
type Mover interface {
	// Plan checks a new place and begins a move there; Copy copies what it can until ctx ends. The rest is done at the
	// next start.
	Plan(ctx context.Context, to string) (domain.Move, error)
	Copy(ctx context.Context) error
	Cancel(ctx context.Context) error // KindNotFound without a move
	Movable() bool
	Move() *domain.Move // nil: none was asked for
	// Old is what the last move left behind; RemoveOld deletes it.
	Old() *domain.OldData
	RemoveOld(ctx context.Context) (domain.OldData, error)
}

// LogSource keeps the newest records of the program's log; logbook.Book implements it.
type LogSource interface {
	Records(least slog.Level, limit int) []domain.LogRecord // newest first
}

// Scraper reads metrics of other machines; scrape.Scraper implements it.
type Scraper interface {
	Fresh() []domain.RemoteSample // since the call before; never blocks
	Stop()                        // and waits for its goroutines
}

// Deps are what New needs. Mover, Scrape, ScrapeOnce, Processes, TestDatabase, OwnAddress, KeepAwake, Log, Logs and Now may be left out.
type Deps struct {
	Store    Store
	Sampler  Sampler
	Library  Library
	Engines  EngineSource
	Hub      Publisher
	Secrets  SecretStore
	Settings SettingsStore
	Mover    Mover
	App      func() domain.AppInfo
	// Processes scans the processes of this machine within a few milliseconds; it may leave out what it
	// did not get to. One goroutine calls it at a time.
	Processes func() []domain.Process
	// Scrape begins to read metrics addresses once a second; ScrapeOnce reads each so often that its
	// rates are known too.
	Scrape     func(ctx context.Context, addresses []string) Scraper
	ScrapeOnce func(ctx context.Context, addresses []string) []domain.RemoteSample
	// SigningKey is what bundles are signed with.
	SigningKey func() (ed25519.PrivateKey, error)
	// TestDatabase names a file with seed A's sample results; empty: test_database.json of the
	// working directory, else the embedded one.
	TestDatabase string
	// OwnAddress reports whether a URL is this program's own listener.
	OwnAddress func(rawURL string) bool
	// ReadMemory measures how fast so many threads read memory, of which so many bytes are free.
	ReadMemory func(ctx context.Context, freeBytes int64, threads int, done func(share float64)) (domain.Bandwidth, error)
	// KeepAwake holds the machine awake until the returned func is called; best effort, may be nil.
	KeepAwake func(reason string) (release func())
	Log       *slog.Logger
	Logs      LogSource
	Now       func() time.Time
}

// DatasetUpload is a dataset as it arrives; Format is jsonl, csv, json, sharegpt, messages or trace.
type DatasetUpload struct {
	Name    string
	Format  string
	Body    io.Reader
	Preview bool // only look at it: nothing is stored
	SkipBad bool // leave bad lines out, instead of refusing the whole
}
