package api

import (
	"net/http"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestStorageOverREST(t *testing.T) {
	w := newWorld(t, false)
	w.finished(seedBody())
	s := decode[domain.Storage](w.get(base + "/storage").want(http.StatusOK))
	if len(s.Parts) != 10 || s.DatabaseBytes == 0 || s.TotalBytes < s.DatabaseBytes {
		t.Errorf("%+v", s)
	}
	c := decode[domain.Compacted](w.call(http.MethodPost, base+"/storage/compact", nil).want(http.StatusOK))
	if c.BeforeBytes == 0 || c.AfterBytes == 0 {
		t.Errorf("%+v", c)
	}
	a := w.call(http.MethodPost, base+"/storage/backups", nil).want(http.StatusCreated)
	b := decode[domain.Backup](a)
	if a.header.Get("Location") != base+"/storage/backups/"+b.Name || b.Reason != "manual" {
		t.Errorf("%+v at %s", b, a.header.Get("Location"))
	}
	if all := decode[[]domain.Backup](w.get(base + "/storage/backups").want(http.StatusOK)); len(all) != 1 || all[0].Name != b.Name {
		t.Errorf("%+v", all)
	}
	if r := decode[domain.Restore](w.call(http.MethodPost, base+"/storage/backups/"+b.Name+"/restore", nil).want(http.StatusOK)); !r.Restart || r.Name != b.Name {
		t.Errorf("%+v", r)
	}
	if work := decode[domain.StorageWork](w.get(base + "/storage/work").want(http.StatusOK)); work.Task != nil || work.Move != nil || work.Movable {
		t.Errorf("%+v", work)
	}
	w.call(http.MethodDelete, base+"/storage/task", nil).problem(http.StatusNotFound)
	w.call(http.MethodPost, base+"/storage/move", map[string]any{"path": "/x"}).problem(http.StatusConflict)
	w.call(http.MethodDelete, base+"/storage/move", nil).problem(http.StatusNotFound)
	w.call(http.MethodDelete, base+"/storage/old", nil).problem(http.StatusNotFound)
	w.call(http.MethodDelete, base+"/storage/restore", nil).want(http.StatusNoContent)
	w.call(http.MethodDelete, base+"/storage/restore", nil).problem(http.StatusNotFound)
	w.call(http.MethodPost, base+"/storage/backups/..%2Finferometer.db/restore", nil).problem(http.StatusNotFound)
	w.call(http.MethodDelete, base+"/storage/backups/"+b.Name, nil).want(http.StatusNoContent)
	w.call(http.MethodDelete, base+"/storage/backups/"+b.Name, nil).problem(http.StatusNotFound)
	if s.Database.Check == "" || s.Database.Recovery != nil {
		t.Errorf("%+v", s.Database)
	}
	w.call(http.MethodDelete, base+"/storage/recovery", nil).problem(http.StatusNotFound)
	r := decode[domain.Retention](w.get(base + "/storage/retention?drop_texts_days=3").want(http.StatusOK))
	if r.TrashDays != 30 || r.DropTextsDays != 3 || r.DropTelemetryDays != 0 {
		t.Errorf("%+v", r)
	}
	if p := w.get(base + "/storage/retention?trash_days=40000").problem(http.StatusUnprocessableEntity); !p.names("query.trash_days") {
		t.Errorf("%+v", p)
	}
	w.call(http.MethodPost, base+"/storage/retention", nil).want(http.StatusOK)
}

func TestTrashOverREST(t *testing.T) {
	w := newWorld(t, false)
	a, b := w.finished(seedBody()), w.finished(seedBody())
	w.call(http.MethodDelete, base+"/trash/"+string(a.ID), nil).problem(http.StatusNotFound) // not in the trash
	for _, r := range []domain.Run{a, b} {
		w.call(http.MethodDelete, base+"/benchmarks/"+string(r.ID), nil).want(http.StatusNoContent)
	}
	w.call(http.MethodDelete, base+"/trash/"+string(a.ID), nil).want(http.StatusNoContent)
	w.get(base + "/benchmarks/" + string(a.ID)).problem(http.StatusNotFound)
	if e := decode[domain.TrashEmptied](w.call(http.MethodDelete, base+"/trash", nil).want(http.StatusOK)); e.Deleted != 1 {
		t.Errorf("%+v", e)
	}
	w.get(base + "/benchmarks/" + string(b.ID)).problem(http.StatusNotFound)
}
