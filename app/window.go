//go:build desktop || dev || bindings

package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	"github.com/wailsapp/wails/v2/pkg/runtime"

	"github.com/inferometer/inferometer/app/cli"
	"github.com/inferometer/inferometer/backend/api"
)

const kindOfBuild = "with a window"

const (
	minWidth, minHeight = 1024, 640
)

// Window implements cli.Host. Without a display it says so and serves; when another instance holds
// the data folder that one comes to the front, or its interface opens in the browser.
func (h *host) Window(ctx context.Context, o cli.Options) error {
	if generating {
		return wails.Run(&options.App{Bind: []any{&Bridge{}}})
	}
	if !h.env.HasDisplay() {
		fmt.Fprintln(h.env.Stderr, "There is no display here; serving the interface instead. Ctrl-C ends it.")
		return h.Serve(ctx, cli.ServeOptions{Options: o})
	}
	place, err := h.dataDir(o, "")
	if err != nil {
		return err
	}
	w := h.wiring(place, o)
	w.Window = true
	a, err := Started(ctx, w, func(a *App) error { return a.begin(ctx) })
	var held *HeldError
	if errors.As(err, &held) {
		return h.other(ctx, held)
	}
	if err != nil {
		return err
	}
	return errors.Join(a.window(ctx, h), a.Close())
}

// other brings the instance that holds the data folder to the front.
func (h *host) other(ctx context.Context, held *HeldError) error {
	c, err := held.client(ctx)
	if err != nil {
		return err
	}
	if front(ctx, c) {
		return nil
	}
	fmt.Fprintf(h.env.Stderr, "Inferometer already runs without a window; opening %s\n", held.Server.URL)
	return openURL(h.env.GOOS, held.Server.URL)
}

func openURL(goos, url string) error {
	opener := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[goos]
	if opener == nil {
		opener = []string{"xdg-open"}
	}
	return exec.Command(opener[0], append(opener[1:], url)...).Start()
}

// shell is the open window.
type shell struct {
	app  *App
	ctx  atomic.Pointer[context.Context] // Wails' own; set when the window exists
	quit context.Context                 //nolint:containedctx // ends when the system asks the program to stop
	done chan struct{}
}

// begin listens and starts the operations.
func (a *App) begin(ctx context.Context) error {
	if a.settings.APIEnabled() {
		if err := a.Listen(ListenOptions{Addr: a.settings.APIAddr(), Fallback: true}); err != nil {
			a.log.Warn("REST is off", "error", err) // the window works without it
		}
	}
	return a.Start(ctx, false)
}

// window opens the window and returns when it has been closed.
func (a *App) window(ctx context.Context, h *host) error {
	s := &shell{app: a, quit: ctx, done: make(chan struct{})}
	bridge := newBridge(a.Handler(), api.Ops(), s)
	pumpCtx, stopPump := context.WithCancel(ctx)
	state := loadWindowState(a.w.DataDir)
	err := wails.Run(&options.App{
		Title: "Inferometer", Width: state.Width, Height: state.Height, MinWidth: minWidth, MinHeight: minHeight,
		WindowStartState: state.startState(),
		BackgroundColour: options.NewRGB(12, 13, 16),
		AssetServer:      &assetserver.Options{Assets: h.web, Middleware: a.middleware},
		OnStartup: func(ctx context.Context) {
			s.ctx.Store(&ctx)
			toFront := func() { runtime.WindowUnminimise(ctx); runtime.WindowShow(ctx) }
			a.front.Store(&toFront)
			go s.pump(pumpCtx, ctx)
		},
		OnDomReady:     func(ctx context.Context) { state.place(ctx) },
		OnBeforeClose:  s.beforeClose,
		ErrorFormatter: func(err error) any { return map[string]any{"status": 500, "detail": err.Error()} },
		Bind:           []any{bridge},
		Linux:          &linux.Options{ProgramName: "inferometer", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
	})
	stopPump()
	if s.ctx.Load() != nil {
		<-s.done
	}
	return err
}

// middleware sends calls of the contract to the router in process; everything else is a file of
// the interface.
func (a *App) middleware(next http.Handler) http.Handler {
	router := a.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/results/") {
			router.ServeHTTP(w, r.WithContext(api.InProcess(r.Context())))
			return
		}
		w.Header().Set("Content-Security-Policy", api.InterfacePolicy)
		next.ServeHTTP(w, r)
	})
}

// beforeClose keeps the window's place and asks when a run is active; true keeps the window open.
func (s *shell) beforeClose(ctx context.Context) bool {
	saveWindowState(ctx, s.app.w.DataDir)
	if _, active := s.app.service.ActiveRun(); !active || s.quit.Err() != nil {
		return false
	}
	text := closeTexts(s.app.settings.Language(), s.app.w.Env.Getenv("LANG"))
	answer, err := runtime.MessageDialog(ctx, runtime.MessageDialogOptions{Type: runtime.QuestionDialog,
		Title: text.title, Message: text.message, DefaultButton: "No"})
	return err == nil && answer != "Yes" && answer != "Ok"
}

type closeText struct{ title, message string }

func closeTexts(language, lang string) closeText {
	if language == "pt-BR" || (language == "system" && strings.HasPrefix(lang, "pt")) {
		return closeText{"Uma medição está em andamento",
			"Fechar o Inferometer cancela a medição. O que já foi medido fica guardado. Fechar mesmo assim?"}
	}
	return closeText{"A benchmark is running",
		"Closing Inferometer stops it. What was measured is kept as canceled. Close anyway?"}
}

// OpenFile implements native.
func (s *shell) OpenFile(title, pattern string) (string, error) {
	return runtime.OpenFileDialog(*s.ctx.Load(), runtime.OpenDialogOptions{Title: title,
		Filters: []runtime.FileFilter{{DisplayName: pattern, Pattern: pattern}}})
}

// OpenFolder implements native.
func (s *shell) OpenFolder(title string) (string, error) {
	return runtime.OpenDirectoryDialog(*s.ctx.Load(), runtime.OpenDialogOptions{Title: title, CanCreateDirectories: true})
}

// SaveFile implements native.
func (s *shell) SaveFile(title, name string) (string, error) {
	return runtime.SaveFileDialog(*s.ctx.Load(), runtime.SaveDialogOptions{Title: title, DefaultFilename: name})
}

// Reveal implements native: it opens the folder that holds path.
func (s *shell) Reveal(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("the path must be absolute")
	}
	return openURL(s.app.w.Env.GOOS, filepath.Dir(path))
}
