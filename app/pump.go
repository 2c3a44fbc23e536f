//go:build desktop || dev || bindings

package app

import (
	"context"
	"time"

	"github.com/wailsapp/wails/v2/pkg/runtime"

	"github.com/inferometer/inferometer/backend/domain"
)

// pumpEvery bounds how often live events go to the page; those of one tick go together.
const pumpEvery = 100 * time.Millisecond

// pump sends the live events to the page until ctx ends. window is Wails' own context.
func (s *shell) pump(ctx, window context.Context) {
	defer close(s.done)
	events := s.app.hub.Subscribe(ctx, "")
	tick := time.NewTicker(pumpEvery)
	defer tick.Stop()
	var batch []domain.Event
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			batch = append(batch, e)
		case <-tick.C:
			if len(batch) > 0 {
				runtime.EventsEmit(window, "live", batch)
				batch = nil
			}
		}
	}
}
