package app

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// Version and Commit are set by the linker.
var (
	Version = "0.1.0-dev" //nolint:gochecknoglobals // written by -ldflags -X
	Commit  = ""          //nolint:gochecknoglobals // written by -ldflags -X
)

// Env is everything the program takes from the process it runs in, so that tests run it whole.
type Env struct {
	Args    []string // without the program's name
	Environ []string // KEY=value
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	WorkDir string
	Home    string
	GOOS    string
	// Terminal says that Stderr is a terminal, so that a progress line may be rewritten.
	Terminal bool
	// Signals returns a context that ends when the user or the system asks the program to stop.
	Signals func(context.Context) (context.Context, context.CancelFunc)
}

// OSEnv is the environment of this process.
func OSEnv() Env {
	wd, _ := os.Getwd()         // empty: nothing is looked for in the working directory
	home, _ := os.UserHomeDir() // empty: the data folder must be named
	return Env{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout,
		Stderr: os.Stderr, WorkDir: wd, Home: home, GOOS: runtime.GOOS, Terminal: isTerminal(os.Stderr),
		Signals: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		}}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// Getenv looks a variable up; the last one wins, as in a shell.
func (e Env) Getenv(key string) string {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(e.Environ[i], key+"="); ok {
			return v
		}
	}
	return ""
}

// HasDisplay says whether a window can open here.
func (e Env) HasDisplay() bool {
	return e.GOOS != "linux" || e.Getenv("DISPLAY") != "" || e.Getenv("WAYLAND_DISPLAY") != ""
}
