package api

import (
	"context"
	"net/http"

	"github.com/inferometer/inferometer/backend/domain"
)

func (a *API) alertRoutes() {
	path := base + "/alerts"
	add(a, read("Alerts", path, "What was seen in the series of jobs, newest first"), a.alerts,
		describe("After each job that was measured here the series of its speed, its time to first token and its energy are looked at. An alert of the kind "+
			"level says that the level moved, one of the kind run that the job lies outside of where the next one was to be expected. A flat history of "+
			"30 jobs gives any in less than seven of 100 cases. The newest 1,000 are kept."))
	add(a, command("AcknowledgeAlert", http.MethodPost, path+"/{id}/acknowledge", "Note that somebody has seen to an alert"), a.acknowledgeAlert)
	add(a, command("ReopenAlert", http.MethodDelete, path+"/{id}/acknowledge", "Take an acknowledgement back"), a.reopenAlert)
}

type alertsInput struct {
	Open bool `query:"open" doc:"Only those that nobody has acknowledged"`
}

func (a *API) alerts(ctx context.Context, in *alertsInput) (*list[domain.Alert], error) {
	return whole(a.svc.Alerts(ctx, in.Open))
}

func (a *API) acknowledgeAlert(ctx context.Context, in *IDInput) (*body[domain.Alert], error) {
	out, err := a.svc.AcknowledgeAlert(ctx, in.ID)
	return &body[domain.Alert]{out}, err
}

func (a *API) reopenAlert(ctx context.Context, in *IDInput) (*body[domain.Alert], error) {
	out, err := a.svc.ReopenAlert(ctx, in.ID)
	return &body[domain.Alert]{out}, err
}
