package app

import (
	"context"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/scrape"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/telemetry"
)

// telemetryEvery is the pace of telemetry events; charts repaint no faster.
const telemetryEvery = 250 * time.Millisecond

// startScrape is scrape.Start as the operations know it.
func startScrape(ctx context.Context, addresses []string) service.Scraper {
	return scrape.Start(ctx, addresses)
}

func (a *App) pumpTelemetry(ctx context.Context, s *telemetry.Sampler) {
	tick := time.NewTicker(telemetryEvery)
	defer tick.Stop()
	var last time.Time
	var before domain.RunID
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		fresh := s.History(2 * time.Second)
		for len(fresh) > 0 && !fresh[0].Timestamp.After(last) {
			fresh = fresh[1:]
		}
		if len(fresh) == 0 {
			continue
		}
		last = fresh[len(fresh)-1].Timestamp
		id, _ := a.service.ActiveRun()
		for _, e := range byRun(fresh, before, id) {
			a.hub.Publish(domain.EventTelemetry, e)
		}
		before = id
	}
}

// byRun parts new readings by the run that they belong to, for their times count from its start: of
// one run begins where the time goes back, and before that the run of the last event went on.
func byRun(fresh []domain.Sample, before, now domain.RunID) []domain.TelemetryEvent {
	cut := 0
	for i := 1; i < len(fresh); i++ {
		if fresh[i].TUs < fresh[i-1].TUs || (fresh[i].Phase == domain.PhaseIdle) != (fresh[i-1].Phase == domain.PhaseIdle) {
			cut = i
		}
	}
	var out []domain.TelemetryEvent
	add := func(part []domain.Sample, id domain.RunID) {
		if len(part) == 0 {
			return
		}
		if part[0].Phase == domain.PhaseIdle {
			id = ""
		}
		out = append(out, domain.TelemetryEvent{JobID: id, Samples: part})
	}
	if cut > 0 {
		add(fresh[:cut], before)
	}
	add(fresh[cut:], now)
	return out
}
