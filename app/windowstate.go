//go:build desktop || dev || bindings

package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/runtime"
)

const windowStateName = "window.json"

// windowState is where the window was when it was closed.
type windowState struct {
	Width     int  `json:"width"`
	Height    int  `json:"height"`
	X         int  `json:"x"`
	Y         int  `json:"y"`
	Maximised bool `json:"maximised"`
	placed    bool // X and Y are known
}

// loadWindowState reads the last place; anything odd gives the default one.
func loadWindowState(dir string) windowState {
	def := windowState{Width: 1440, Height: 900}
	b, err := os.ReadFile(filepath.Join(dir, windowStateName))
	if err != nil {
		return def
	}
	var s windowState
	if json.Unmarshal(b, &s) != nil || s.Width < minWidth || s.Height < minHeight || s.Width > 16384 || s.Height > 16384 {
		return def
	}
	s.placed = true
	return s
}

func (s windowState) startState() options.WindowStartState {
	if s.Maximised {
		return options.Maximised
	}
	return options.Normal
}

// place moves the window to where it was, if that is still on a screen.
func (s windowState) place(ctx context.Context) {
	if !s.placed || s.Maximised {
		return
	}
	screens, err := runtime.ScreenGetAll(ctx)
	if err != nil {
		return
	}
	for _, sc := range screens {
		if s.X >= 0 && s.Y >= 0 && s.X < sc.Size.Width && s.Y < sc.Size.Height {
			runtime.WindowSetPosition(ctx, s.X, s.Y)
			return
		}
	}
}

// saveWindowState is best effort: a lost place is no reason to keep a window open.
func saveWindowState(ctx context.Context, dir string) {
	s := windowState{Maximised: runtime.WindowIsMaximised(ctx)}
	s.Width, s.Height = runtime.WindowGetSize(ctx)
	s.X, s.Y = runtime.WindowGetPosition(ctx)
	if b, err := json.Marshal(s); err == nil {
		_ = writeFile(filepath.Join(dir, windowStateName), b)
	}
}
