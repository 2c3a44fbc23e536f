package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestQualityOverREST(t *testing.T) {
	w := newWorld(t, false)
	path := base + "/quality"
	a := w.call(http.MethodPost, path, map[string]any{"kind": "tasks", "model_id": "tiny", "language": "pt-BR"}).want(http.StatusAccepted)
	q := decode[domain.Quality](a)
	own := path + "/" + q.ID
	if a.header.Get("Location") != own || q.Status != domain.StatusQueued || q.Language != "pt-BR" || q.Kind != domain.QualityTasks {
		t.Errorf("%+v at %s", q, a.header.Get("Location"))
	}
	end := time.After(time.Minute)
	events := w.hub.Subscribe(t.Context(), "")
	for !decode[domain.QualityDetail](w.get(own).want(http.StatusOK)).Status.Ended() {
		select {
		case <-events:
		case <-end:
			t.Fatal("it never ended")
		}
	}
	d := decode[domain.QualityDetail](w.get(own).want(http.StatusOK))
	if d.Status != domain.StatusCompleted || len(d.Answers) != 40 || d.Summary == nil || d.Summary.Tasks == nil || d.Summary.Tasks.Asked != 40 {
		t.Errorf("%+v", d)
	}
	if all := decode[[]domain.Quality](w.get(path + "?kind=tasks&model=tiny&language=pt-BR&status=completed&limit=5").want(http.StatusOK)); len(all) != 1 || all[0].ID != q.ID {
		t.Errorf("%+v", all)
	}
	if none := decode[[]domain.Quality](w.get(path + "?kind=perplexity").want(http.StatusOK)); len(none) != 0 {
		t.Errorf("%+v", none)
	}
	if p := w.get(path + "?kind=smell").problem(http.StatusUnprocessableEntity); !p.names("query.kind") {
		t.Errorf("%+v", p)
	}
	for where, body := range map[string]map[string]any{
		"body.kind":               {"kind": "smell", "model_id": "tiny"},
		"body.model_id":           {"kind": "tasks", "model_id": "none"},
		"body.language":           {"kind": "tasks", "model_id": "tiny", "language": "de"},
		"body.reference_model_id": {"kind": "divergence", "model_id": "tiny"},
		"body.endpoint_id":        {"kind": "tasks", "model_id": "tiny", "endpoint_id": "none"},
	} {
		if p := w.call(http.MethodPost, path, body).problem(http.StatusUnprocessableEntity); !p.names(where) {
			t.Errorf("%v: %+v", body, p)
		}
	}
	w.call(http.MethodPost, own+"/cancel", nil).problem(http.StatusConflict)
	w.call(http.MethodPost, path+"/none/cancel", nil).problem(http.StatusNotFound)
	w.call(http.MethodDelete, own, nil).want(http.StatusNoContent)
	w.get(own).problem(http.StatusNotFound)
}
