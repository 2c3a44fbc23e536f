// Package service holds the operations of Inferometer. Window, REST and command line are mouths of
// it; none of them holds a rule. Each exported method of Service is one operation.
package service

import (
	"context"
	"errors"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// Service is the set of operations.
type Service struct {
	d Deps
}

var errTODO = errors.New("not built yet")

// New wires the operations. Call Start before use and Close at the end.
func New(d Deps) *Service { return &Service{d: d} }

// Start does start-up work: unfinished runs become interrupted, built-in datasets are registered,
// sample data is loaded in debug mode, and the queue's worker starts. resume lets queued jobs of
// an earlier start go on.
func (s *Service) Start(ctx context.Context, resume bool) error { return errTODO }

// Close cancels a running job, waits for it and stops the worker.
func (s *Service) Close(ctx context.Context) error { return errTODO }

// ActiveRun returns the run being measured, or false.
func (s *Service) ActiveRun() (domain.RunID, bool) { return "", false }

// StartBenchmark validates, plans, stores and queues a job. idempotencyKey may be empty; the same
// key with the same body answers with the first job, with another body KindConflict.
func (s *Service) StartBenchmark(ctx context.Context, r domain.BenchmarkRequest, idempotencyKey string) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// WaitBenchmark returns the job when it ends, or as it stands when max or ctx ends first.
func (s *Service) WaitBenchmark(ctx context.Context, id domain.RunID, max time.Duration) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// Benchmark returns one job; a running one carries its progress.
func (s *Service) Benchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// Benchmarks lists jobs, newest first.
func (s *Service) Benchmarks(ctx context.Context, f domain.RunFilter) (domain.Page[domain.Run], error) {
	return domain.Page[domain.Run]{}, errTODO
}

// CancelBenchmark stops a queued or running job and returns it; KindConflict when it has ended.
func (s *Service) CancelBenchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// RerunBenchmark starts a new job with the plan of an old one, seed included.
func (s *Service) RerunBenchmark(ctx context.Context, id domain.RunID) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// EditBenchmark changes name, tags, notes, pin.
func (s *Service) EditBenchmark(ctx context.Context, id domain.RunID, p domain.RunPatch) (domain.Run, error) {
	return domain.Run{}, errTODO
}

// DeleteBenchmark moves a job to the trash, or with restore takes it back. A running job is
// KindConflict.
func (s *Service) DeleteBenchmark(ctx context.Context, id domain.RunID, restore bool) error {
	return errTODO
}

// MetricsQuery narrows BenchmarkMetrics. Every 0: as sampled; Points 0: all. Points keeps the
// minimum and maximum of each bucket of the first series.
type MetricsQuery struct {
	Every  time.Duration
	Points int
	Phase  domain.Phase
}

// BenchmarkMetrics returns a job's samples by time.
func (s *Service) BenchmarkMetrics(ctx context.Context, id domain.RunID, q MetricsQuery) ([]domain.Sample, error) {
	return nil, errTODO
}

// BenchmarkPhases returns when each phase began.
func (s *Service) BenchmarkPhases(ctx context.Context, id domain.RunID) ([]domain.PhaseChange, error) {
	return nil, errTODO
}

// BenchmarkRequests pages through a job's requests, without chunks and text.
func (s *Service) BenchmarkRequests(ctx context.Context, id domain.RunID, limit, offset int) (domain.Page[domain.RequestRecord], error) {
	return domain.Page[domain.RequestRecord]{}, errTODO
}

// BenchmarkRequest returns one request with prompt, output, chunk times and server timings.
func (s *Service) BenchmarkRequest(ctx context.Context, id domain.RunID, n int) (domain.RequestRecord, error) {
	return domain.RequestRecord{}, errTODO
}

// AverageResults answers seed A over a window. The legacy route's rules (501 when not in debug
// mode, 404 when nothing is there) live in LegacyAverage.
func (s *Service) AverageResults(ctx context.Context, w domain.Window, f domain.ResultFilter) (domain.Averages, error) {
	return domain.Averages{}, errTODO
}

// LegacyAverage is seed A's route: KindNotReady unless debug mode is on, decided before parse is
// called; parse returns the window, or nil for "over everything"; KindNotFound for an empty window.
func (s *Service) LegacyAverage(ctx context.Context, parse func() (*domain.Window, error), f domain.ResultFilter) (domain.Averages, error) {
	return domain.Averages{}, errTODO
}

// Results pages through the records behind the averages, newest first.
func (s *Service) Results(ctx context.Context, w domain.Window, f domain.ResultFilter, limit, offset int) (domain.Page[domain.Result], error) {
	return domain.Page[domain.Result]{}, errTODO
}

// Models lists installed and reachable models, or with installed false the catalogue rows that are
// not installed yet.
func (s *Service) Models(ctx context.Context, installed bool) ([]domain.Model, error) {
	return nil, errTODO
}

// AddModel adds a GGUF file by path.
func (s *Service) AddModel(ctx context.Context, path string) (domain.Model, error) {
	return domain.Model{}, errTODO
}

// RemoveModel forgets a model and deletes its file when it lies in the data folder.
func (s *Service) RemoveModel(ctx context.Context, id string) error { return errTODO }

// DownloadModel starts or resumes the download of a catalogue model; id "engine" gets the engine.
func (s *Service) DownloadModel(ctx context.Context, id string) (domain.Download, error) {
	return domain.Download{}, errTODO
}

// CancelDownload stops a download; what was fetched is kept for resuming.
func (s *Service) CancelDownload(ctx context.Context, id string) error { return errTODO }

// Engines lists the engines of this machine.
func (s *Service) Engines(ctx context.Context) ([]domain.Engine, error) { return nil, errTODO }

// EngineLog returns the last lines of an engine's log.
func (s *Service) EngineLog(ctx context.Context, id string) ([]string, error) { return nil, errTODO }

// Endpoints lists the endpoints.
func (s *Service) Endpoints(ctx context.Context) ([]domain.Endpoint, error) { return nil, errTODO }

// Endpoint returns one endpoint.
func (s *Service) Endpoint(ctx context.Context, id string) (domain.Endpoint, error) {
	return domain.Endpoint{}, errTODO
}

// AddEndpoint stores a new endpoint; the program's own address is refused.
func (s *Service) AddEndpoint(ctx context.Context, in domain.EndpointInput) (domain.Endpoint, error) {
	return domain.Endpoint{}, errTODO
}

// EditEndpoint changes an endpoint.
func (s *Service) EditEndpoint(ctx context.Context, id string, in domain.EndpointInput) (domain.Endpoint, error) {
	return domain.Endpoint{}, errTODO
}

// RemoveEndpoint deletes an endpoint and its key.
func (s *Service) RemoveEndpoint(ctx context.Context, id string) error { return errTODO }

// CheckEndpoint asks an endpoint for its models; it sends no generation.
func (s *Service) CheckEndpoint(ctx context.Context, id string) (domain.EndpointCheck, error) {
	return domain.EndpointCheck{}, errTODO
}

// Datasets lists the datasets.
func (s *Service) Datasets(ctx context.Context) ([]domain.Dataset, error) { return nil, errTODO }

// Dataset returns one dataset with its first prompts.
func (s *Service) Dataset(ctx context.Context, id string) (domain.DatasetDetail, error) {
	return domain.DatasetDetail{}, errTODO
}

// AddDataset imports a dataset from a stream; bad lines are refused by number.
func (s *Service) AddDataset(ctx context.Context, u DatasetUpload) (domain.Dataset, error) {
	return domain.Dataset{}, errTODO
}

// RemoveDataset deletes an imported dataset; a built-in one is KindConflict.
func (s *Service) RemoveDataset(ctx context.Context, id string) error { return errTODO }

// Health says whether store and server are well.
func (s *Service) Health(ctx context.Context) domain.Health { return domain.Health{} }

// System describes machine, sensors and program.
func (s *Service) System(ctx context.Context) (domain.System, error) { return domain.System{}, errTODO }

// SystemTelemetry returns the newest samples, outside any run too.
func (s *Service) SystemTelemetry(ctx context.Context, last time.Duration) ([]domain.Sample, error) {
	return nil, errTODO
}

// Preflight says what would spoil a run now.
func (s *Service) Preflight(ctx context.Context) (domain.Preflight, error) {
	return domain.Preflight{}, errTODO
}

// Doctor checks the installation.
func (s *Service) Doctor(ctx context.Context) (domain.DoctorReport, error) {
	return domain.DoctorReport{}, errTODO
}

// Settings returns every setting with its origin.
func (s *Service) Settings(ctx context.Context) (domain.Settings, error) {
	return domain.Settings{}, errTODO
}

// EditSettings changes stored settings.
func (s *Service) EditSettings(ctx context.Context, p domain.SettingsPatch) (domain.Settings, error) {
	return domain.Settings{}, errTODO
}

// Events follows the live events; lastID resumes.
func (s *Service) Events(ctx context.Context, lastID string) <-chan domain.Event {
	return s.d.Hub.Subscribe(ctx, lastID)
}
