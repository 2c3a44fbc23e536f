package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/config"
	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/relocate"
)

// fewestThreads run Go code even where a model leaves the program one core: while one of them is
// in SQLite or reckons, the system lets another one stamp the tokens that arrive. Go's own scheduler
// would let them wait up to 10 ms.
const fewestThreads = 4

// Main runs the program and returns its exit code: 0 done, 1 failed, 2 wrong use, 3 a gate that could
// not look.
func Main(env Env, web fs.FS) int {
	if env.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < fewestThreads {
		runtime.GOMAXPROCS(fewestThreads)
	}
	ctx, stop := env.Signals(context.Background())
	defer stop()
	env.Stderr = cli.Plain(env.Stderr) // it repeats what servers say
	root := cli.New(&host{env: env, web: web},
		cli.IO{Out: env.Stdout, Err: env.Stderr, In: env.Stdin, Terminal: env.Terminal})
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, cli.ErrReported), errors.Is(err, cli.ErrRegression):
		return 1
	}
	fmt.Fprintln(env.Stderr, strings.TrimSpace(err.Error()))
	var ours *domain.Error
	if errors.As(err, &ours) && ours.Hint != "" {
		fmt.Fprintln(env.Stderr, ours.Hint)
	}
	var usage cli.UsageError
	if errors.As(err, &usage) {
		fmt.Fprintln(env.Stderr, "“inferometer --help” lists the verbs.")
		return 2
	}
	var undecided *cli.UndecidedError
	if errors.As(err, &undecided) {
		return 3
	}
	return 1
}

// host implements cli.Host over this process.
type host struct {
	env Env
	web fs.FS
}

var _ cli.Host = (*host)(nil)

// Version implements cli.Host.
func (h *host) Version() string {
	text := fmt.Sprintf("inferometer %s", Version)
	if Commit != "" {
		text += " (" + Commit + ")"
	}
	return text + fmt.Sprintf(" %s %s/%s, %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, kindOfBuild)
}

// Connect implements cli.Host. The instance that holds the data folder answers; without one this
// process does, and serves REST on a free port meanwhile so that others can see it.
func (h *host) Connect(ctx context.Context, o cli.Options) (*cli.Client, func() error, error) {
	place, err := h.dataDir(o, h.dotEnv())
	if err != nil {
		return nil, nil, err
	}
	a, err := Started(ctx, h.wiring(place, o), func(a *App) error {
		if err := a.Start(ctx, false); err != nil {
			return err
		}
		return a.Listen(ListenOptions{Addr: "127.0.0.1:0"})
	})
	var held *HeldError
	if errors.As(err, &held) {
		c, err := held.client(ctx)
		return c, func() error { return nil }, err
	}
	if err != nil {
		return nil, nil, err
	}
	return &cli.Client{Base: "http://in-process", HTTP: inProcess{a.Handler()}}, a.Close, nil
}

// Serve implements cli.Host.
func (h *host) Serve(ctx context.Context, o cli.ServeOptions) error {
	place, err := h.dataDir(o.Options, h.dotEnv())
	if err != nil {
		return err
	}
	a, err := Started(ctx, h.wiring(place, o.Options), func(a *App) error {
		if err := a.Listen(ListenOptions{Addr: a.settings.APIAddr()}); err != nil {
			return err
		}
		return a.Start(ctx, o.Resume)
	})
	if err != nil {
		return err
	}
	err = a.serve(ctx)
	return errors.Join(err, a.Close())
}

// serve says where it listens and waits for the end.
func (a *App) serve(ctx context.Context) error {
	if l := a.addr.Load(); !l.loopback {
		fmt.Fprintf(a.w.Env.Stderr, "Others need the token, or once this link: %s\n", a.logins.Link(l.outside))
		if !l.encrypted {
			fmt.Fprintln(a.w.Env.Stderr, "Nothing is encrypted on the way, the token neither: give --tls-cert and --tls-key, or use a network you trust.")
		}
	}
	fmt.Fprintf(a.w.Stdout, "listening on %s\n", a.URL()) // last: who waits for this line has the others too
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.serveErr:
		return err
	}
}

// Setup implements cli.Host.
func (h *host) Setup(ctx context.Context, o cli.SetupOptions) error {
	dir := o.Dir
	if dir == "" {
		data, err := h.dataDir(o.Options, h.dotEnv())
		if err != nil {
			return err
		}
		dir = data.dir
	}
	return h.install(ctx, dir, o.What)
}

// dotEnv is the .env file of the working directory. The window's own lies in the data folder, so it
// cannot name that.
func (h *host) dotEnv() string { return filepath.Join(h.env.WorkDir, ".env") }

// place is the data folder, and the platform's own one that leads to it; empty when the data folder was named.
type place struct{ dir, base string }

// dataDir finds the data folder and makes it, for this user alone.
func (h *host) dataDir(o cli.Options, dotEnv string) (place, error) {
	vars, err := config.ReadDotEnv(dotEnv)
	if err != nil {
		return place{}, err
	}
	getenv := config.Lookup(h.env.Environ, vars)
	dir, err := config.DataDir(o.DataDir, getenv, h.env.GOOS, h.env.Home)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return place{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return place{}, fmt.Errorf("make the data folder: %w", err)
	}
	if o.DataDir != "" || getenv(config.EnvDataDir) != "" {
		return place{dir: dir}, nil
	}
	now, err := relocate.Follow(dir)
	return place{dir: now, base: dir}, err
}

func (h *host) wiring(p place, o cli.Options) Wiring {
	return Wiring{Env: h.env, Web: h.web, DataDir: p.dir, BaseDir: p.base, Flags: o.Settings, Stdout: h.env.Stdout}
}
