package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/api"
	"github.com/inferometer/inferometer/backend/bandwidth"
	"github.com/inferometer/inferometer/backend/config"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/library"
	"github.com/inferometer/inferometer/backend/logbook"
	"github.com/inferometer/inferometer/backend/scrape"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/store"
	"github.com/inferometer/inferometer/backend/stream"
	"github.com/inferometer/inferometer/backend/telemetry"
)

// logTail is how much of the log of earlier starts is read to be shown.
const logTail = 1 << 20

// closeWait bounds how long a running benchmark may take to wind down at the end of the program.
const closeWait = 30 * time.Second

// Wiring is what Wire needs.
type Wiring struct {
	Env     Env
	Web     fs.FS
	DataDir string            // exists
	BaseDir string            // the platform's own data folder, which leads to DataDir; empty: DataDir was named
	Flags   map[string]string // settings fixed on the command line
	Stdout  io.Writer
	Window  bool // this process shows the window
	// damage is why the database has to be set aside before it is opened; nil: it has not.
	damage error
}

// App is the wired program. Close ends everything it began, in reverse order.
type App struct {
	w        Wiring
	log      *slog.Logger
	logs     logbook.Book
	settings *config.Settings
	hub      *stream.Hub
	service  *service.Service
	api      *api.API
	logins   *api.Logins
	token    *api.Token
	rotating sync.Mutex // file and memory change together
	addr     atomic.Pointer[listening]
	front    atomic.Pointer[func()] // brings the window to the front; nil without one
	serveErr chan error
	closers  []closer
}

type closer struct {
	name  string
	close func() error
}

// onClose adds a step to Close.
func (a *App) onClose(name string, f func() error) {
	a.closers = append(a.closers, closer{name, f})
}

// Close ends everything in reverse order and reports what could not be ended.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", a.closers[i].name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

// Handler is the bare chain, for the window and the command line of this process.
func (a *App) Handler() http.Handler { return a.api.Handler() }

// background is for work that no caller can cancel: closing, and small reads at start-up.
func background() context.Context { return context.Background() }

// Wire builds the program over a data folder. The error is a *HeldError when another instance
// holds it.
func Wire(ctx context.Context, w Wiring) (*App, error) {
	a := &App{w: w, logins: api.NewLogins(), token: api.NewToken(""), serveErr: make(chan error, 1)}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Started is a wired program that has begun: begin listens and starts the operations. A database that turns
// out to be damaged on the way is set aside, once, instead of leaving a program that never starts.
func Started(ctx context.Context, w Wiring, begin func(*App) error) (*App, error) {
	a, err := Wire(ctx, w)
	if err == nil {
		if err = begin(a); err == nil {
			return a, nil
		}
		err = errors.Join(err, a.Close())
	}
	if !store.Damaged(err) || w.damage != nil {
		return nil, err
	}
	w.damage = err
	return Started(ctx, w, begin)
}

func (a *App) wire(ctx context.Context) error {
	if err := a.takeFolder(ctx); err != nil {
		return err
	}
	dir := a.w.DataDir
	db, err := a.openDatabase(ctx)
	if err != nil {
		return err
	}
	if a.settings, err = a.loadSettings(ctx, db); err != nil {
		return err
	}
	a.hub = stream.NewHub(stream.Options{})
	a.onClose("events", func() error { a.logs.Follow(nil); a.hub.Close(); return nil })
	a.logs.Follow(func(r domain.LogRecord) { a.hub.Publish(domain.EventLog, r) })
	checkout := checkoutRoot(a.w.Env.WorkDir)
	lib, err := library.New(library.Options{DataDir: dir, EngineDirs: checkout,
		ModelDirs: modelDirs(checkout, a.settings.ModelsDir()), EnginePath: a.settings.EnginePath(), Log: a.part("library"),
		Publish: func(d domain.Download) { a.hub.Publish(domain.EventDownloadProgress, d) }})
	if err != nil {
		return err
	}
	a.onClose("library", lib.Close)
	sampler := telemetry.New(telemetry.Options{RateHz: a.settings.TelemetryHz(), Log: a.part("telemetry")})
	a.service = service.New(service.Deps{Store: db, Sampler: sampler, Processes: telemetry.NewProcesses().Scan, Library: lib, Hub: a.hub,
		Engines: &engines{lib: lib, stateDir: dir}, Secrets: newSecrets(db, dir, a.part("secrets")),
		Settings: a.settings, Mover: a.mover(), App: a.info, SigningKey: func() (ed25519.PrivateKey, error) { return signingKey(dir) }, TestDatabase: a.settings.TestDatabase(),
		OwnAddress: a.ownAddress, Scrape: startScrape, ScrapeOnce: scrape.Check, ReadMemory: bandwidth.Read, KeepAwake: keepAwake(a.w.Env.GOOS, a.log), Log: a.part("service"), Logs: &a.logs})
	a.api = api.New(api.Options{Service: a.service, Web: a.w.Web, Log: a.part("api"), Version: Version,
		Debug: a.settings.Debug, Failed: func(err error) { a.suspect(db, err) }, Front: a.toFront, RotateToken: a.rotateToken})
	a.runSampler(sampler) // last, because its events tell the run that is active
	return nil
}

// openDatabase opens the database, and tells when another one took its place.
func (a *App) openDatabase(ctx context.Context) (*store.Store, error) {
	path, began := filepath.Join(a.w.DataDir, databaseName), time.Now()
	if a.w.damage != nil {
		if err := store.SetAside(ctx, path, a.w.damage); err != nil {
			return nil, err
		}
		began = began.Add(-time.Minute) // it is this start that set it aside
	}
	db, err := store.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	a.onClose("database", db.Close)
	state := db.State()
	if r := state.Recovery; r != nil && r.At.After(began) {
		a.log.Error("The database was set aside", "reason", r.Reason, "quarantined", r.Quarantined, "restoredFrom", r.RestoredFrom)
		for _, line := range cli.DatabaseNotes(state) {
			fmt.Fprintln(a.w.Env.Stderr, line)
		}
	}
	return db, nil
}

// suspect has the database checked when an operation met damage.
func (a *App) suspect(db *store.Store, err error) {
	if store.Damaged(err) {
		a.log.Error("An operation met damage in the database", "error", err)
		db.Suspect()
	}
}

// toFront brings the window of this process to the front; false without one.
func (a *App) toFront() bool {
	f := a.front.Load()
	if f == nil {
		return false
	}
	(*f)()
	return true
}

// openLog writes JSON to a rotated file in the data folder.
func (a *App) openLog() *slog.Logger {
	file := &lumberjack.Logger{Filename: filepath.Join(a.w.DataDir, "logs", "inferometer.log"),
		MaxSize: 10, MaxBackups: 3}
	a.onClose("log", file.Close)
	err := a.readLog(file.Filename)
	log := slog.New(a.logs.Handler(slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err != nil {
		log.Warn("The log of earlier starts cannot be shown", "error", err)
	}
	return log
}

// readLog takes the last records of earlier starts into what is shown.
func (a *App) readLog(path string) error {
	f, err := os.Open(path) // #nosec G304 -- the log of the data folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(end-logTail, 0), io.SeekStart)
	}
	if err != nil {
		return err
	}
	return a.logs.Read(f)
}

func (a *App) part(name string) *slog.Logger { return a.log.With("component", name) }

// loadSettings reads flags, environment, .env and stored settings. The window looks for .env in
// the data folder, everything else in the working directory.
func (a *App) loadSettings(ctx context.Context, db *store.Store) (*config.Settings, error) {
	dotEnv := filepath.Join(a.w.Env.WorkDir, ".env")
	if a.w.Window {
		dotEnv = filepath.Join(a.w.DataDir, ".env")
	}
	s, err := config.Load(ctx, config.Input{Flags: a.w.Flags, Environ: a.w.Env.Environ, DotEnv: dotEnv, Stored: db})
	if err != nil {
		return nil, err
	}
	for _, p := range s.Problems() {
		a.log.Warn("A setting is not known", "problem", p)
	}
	return s, nil
}

// runSampler owns the sampler's goroutine and publishes its samples four times a second.
func (a *App) runSampler(s *telemetry.Sampler) {
	ctx, cancel := context.WithCancel(context.Background())
	ran, pumped := make(chan error, 1), make(chan struct{})
	go func() { ran <- s.Run(ctx) }()
	go func() {
		defer close(pumped)
		a.pumpTelemetry(ctx, s)
	}()
	a.onClose("telemetry", func() error {
		cancel()
		<-pumped
		if err := <-ran; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
}

// Start does the start-up work of the operations.
func (a *App) Start(ctx context.Context, resume bool) error {
	if err := a.service.Start(ctx, resume); err != nil {
		return err
	}
	a.onClose("benchmarks", func() error {
		ctx, done := context.WithTimeout(background(), closeWait)
		defer done()
		return a.service.Close(ctx)
	})
	return nil
}

// info says which program answers.
func (a *App) info() domain.AppInfo {
	i := domain.AppInfo{Version: Version, Commit: Commit, DataDir: a.w.DataDir, Window: a.w.Window}
	if l := a.addr.Load(); l != nil {
		i.Address, i.AddressNote = l.url, l.note
	}
	return i
}
