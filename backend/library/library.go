// Package library knows the models and engine builds on this machine and how to get more of them:
// it finds, describes, fetches, verifies and installs. It runs an engine only to prove that a
// fresh build can generate, never to measure, and it fetches nothing unless asked.
package library

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/inferometer/inferometer/backend/domain"
)

// EngineID is the id of the engine in Download and in domain.Download.
const EngineID = "engine"

// Options say where to look. A root holds engines/ and models/.
type Options struct {
	DataDir    string   // the root that downloads go to
	EngineDirs []string // further roots, e.g. the .engine folder of a checkout
	ModelDirs  []string // further folders with *.gguf, searched with their sub-folders
	EnginePath string   // an own llama-server of the user; wins over all others
	Publish    func(domain.Download)
	Log        *slog.Logger
}

// Library is safe for concurrent use. Close it to end its downloads.
type Library struct {
	opts   Options
	cat    Catalogue
	client *http.Client
	log    *slog.Logger
	facts  *factCache
	files  *fileList

	mu      sync.Mutex
	jobs    map[string]*job
	foreign map[string]EngineBuild // accepted engines without a manifest, by stamp
	closed  bool
	wg      sync.WaitGroup
}

// job is one download in the background.
type job struct {
	track  *tracker
	cancel context.CancelFunc
	done   chan struct{}
}

// New reads what the library remembers of earlier starts.
func New(o Options) (*Library, error) {
	if o.DataDir == "" {
		return nil, errors.New("open library: no data folder given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	cat, err := ReadCatalogue()
	if err != nil {
		return nil, err
	}
	files, err := openFileList(filepath.Join(o.DataDir, "models.json"))
	if err != nil {
		return nil, err
	}
	return &Library{opts: o, cat: cat, client: newHTTPClient(), log: o.Log, files: files,
		facts: openFactCache(filepath.Join(o.DataDir, "hashes.json")),
		jobs:  map[string]*job{}, foreign: map[string]EngineBuild{}}, nil
}

// Close cancels the downloads and waits for them; what they have fetched is kept to resume.
func (l *Library) Close() error {
	l.mu.Lock()
	l.closed = true
	for _, j := range l.jobs {
		j.cancel()
	}
	l.mu.Unlock()
	l.wg.Wait()
	l.client.CloseIdleConnections()
	return nil
}

// Download starts to fetch a model of the catalogue, or EngineID, in the background. One that is
// under way, or has nothing to do, is answered with its state.
func (l *Library) Download(ctx context.Context, id string) (domain.Download, error) {
	work, id, err := l.task(ctx, id)
	if err != nil {
		return domain.Download{}, err
	}
	if work == nil {
		return domain.Download{ID: id, State: stateDone}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return domain.Download{}, domain.Errorf(domain.KindUnavailable, "Inferometer is closing.")
	}
	if j, ok := l.jobs[id]; ok && !j.ended() {
		return j.track.snapshot(), nil
	}
	jctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j := &job{track: newTracker(id, l.opts.Publish), cancel: cancel, done: make(chan struct{})}
	l.jobs[id] = j
	l.wg.Go(func() {
		defer close(j.done)
		defer cancel()
		if err := work(jctx, j.track); err != nil {
			l.log.Warn("Download failed", "id", id, "error", err)
		}
	})
	return j.track.snapshot(), nil
}

func (j *job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// task resolves what to do for an id; a nil func means that it is there already.
func (l *Library) task(ctx context.Context, id string) (func(context.Context, *tracker) error, string, error) {
	root := l.opts.DataDir
	if id == EngineID {
		if _, err := l.Build(ctx); err == nil {
			return nil, EngineID, nil
		}
		return func(ctx context.Context, t *tracker) error { return l.getEngine(ctx, root, t) }, EngineID, nil
	}
	m, err := l.Model(ctx, id)
	if err != nil {
		return nil, "", err
	}
	if m.Installed {
		return nil, m.ID, nil
	}
	entry, ok := l.cat.model(m.ID)
	if !ok {
		return nil, "", &domain.Error{Kind: domain.KindUnsupported, Msg: "Only models of the starter catalogue can be fetched."}
	}
	return func(ctx context.Context, t *tracker) error { return l.getModel(ctx, root, entry, t) }, m.ID, nil
}

// CancelDownload stops a download and waits until it has ended. KindConflict when none is under
// way.
func (l *Library) CancelDownload(ctx context.Context, id string) error {
	if entry, ok := l.cat.model(id); ok {
		id = entry.ID
	}
	l.mu.Lock()
	j, ok := l.jobs[id]
	l.mu.Unlock()
	if !ok || j.ended() {
		return domain.Errorf(domain.KindConflict, "No download of %q is under way.", id)
	}
	j.cancel()
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for download to stop: %w", ctx.Err())
	}
}

// DownloadState returns the last known state of a download of this process.
func (l *Library) DownloadState(id string) (domain.Download, bool) {
	l.mu.Lock()
	j, ok := l.jobs[id]
	l.mu.Unlock()
	if !ok {
		return domain.Download{}, false
	}
	return j.track.snapshot(), true
}

// Install brings "engine", "model" (the default one) or models by id into the root dir and
// returns when they are there; at once when they were. With ENGINE=native in the environment the
// engine is compiled here.
func (l *Library) Install(ctx context.Context, dir string, what []string, progress func(domain.Download)) error {
	root, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("resolve folder: %w", err)
	}
	if len(what) == 0 {
		what = []string{"model", EngineID}
	}
	// Models first: a fresh engine must prove itself on one.
	what = slices.Clone(what)
	slices.SortStableFunc(what, func(a, b string) int { return engineLast(a) - engineLast(b) })
	for _, w := range what {
		if w == EngineID {
			err = l.getEngine(ctx, root, newTracker(EngineID, progress))
		} else {
			if w == "model" {
				w = l.cat.defaultModel().ID
			}
			entry, ok := l.cat.model(w)
			if !ok {
				return l.notFound(ctx, w)
			}
			err = l.getModel(ctx, root, entry, newTracker(entry.ID, progress))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func engineLast(what string) int {
	if what == EngineID {
		return 1
	}
	return 0
}

// trySources runs get for each source in turn until one works, and reports how it ended.
func (l *Library) trySources(ctx context.Context, t *tracker, what string, sources []Source, get func(Source) error) error {
	var failed []string
	for _, s := range sources {
		t.state(stateRunning, s.Words())
		err := get(s)
		if err == nil {
			t.state(stateDone, "")
			return nil
		}
		if ctx.Err() != nil {
			t.fail(stateCanceled, "")
			return fmt.Errorf("fetch %s: %w", what, ctx.Err())
		}
		l.log.Info("Source failed", "what", what, "source", s.Words(), "error", err)
		failed = append(failed, s.Words()+": "+err.Error())
	}
	if len(failed) == 0 {
		failed = append(failed, "no source serves this operating system and processor")
	}
	e := &domain.Error{Kind: domain.KindUnavailable, Msg: fmt.Sprintf("Could not get %s from any source.", what),
		Hint: strings.Join(failed, "; ")}
	t.fail(stateFailed, e.Msg+" "+e.Hint)
	return e
}

// partPath is where an unfinished transfer of a checksum lies.
func partPath(root, sum string) string {
	return filepath.Join(root, "downloads", sum[:16]+".part")
}

// moveIn puts a finished file in its place in one step.
func moveIn(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("move into place: %w", err)
	}
	return nil
}
