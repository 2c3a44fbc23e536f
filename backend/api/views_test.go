package api

import (
	"net/http"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestViewsOverREST(t *testing.T) {
	w := newWorld(t, false)
	body := map[string]any{"name": " Fast ones ", "filters": map[string]any{"text": "q", "verdict": "valid", "starred": true, "days": 7},
		"sort": map[string]any{"key": "speed", "desc": true}, "columns": []string{"model", "speed"}}
	a := w.call(http.MethodPost, base+"/views", body).want(http.StatusCreated)
	v := decode[domain.SavedView](a)
	if v.Name != "Fast ones" || v.Filters.Days != 7 || !v.Sort.Desc || len(v.Columns) != 2 || a.header.Get("Location") != base+"/views/"+v.ID {
		t.Errorf("%+v at %s", v, a.header.Get("Location"))
	}
	if p := w.call(http.MethodPost, base+"/views", map[string]any{"name": "fast ONES"}).problem(http.StatusConflict); p.Detail == "" {
		t.Errorf("%+v", p)
	}
	for _, bad := range []struct {
		body     map[string]any
		location string
	}{
		{map[string]any{}, "body.name"}, {map[string]any{"name": "  "}, "body.name"}, {map[string]any{"name": "x", "columns": []string{""}}, "body.columns"},
		{map[string]any{"name": "x", "filters": map[string]any{"verdict": "good"}}, "body.filters.verdict"},
		{map[string]any{"name": "x", "filters": map[string]any{"what": 1}}, "body.filters.what"},
	} {
		if p := w.call(http.MethodPost, base+"/views", bad.body).problem(http.StatusUnprocessableEntity); !p.names(bad.location) {
			t.Errorf("%v: %+v", bad.body, p)
		}
	}
	v = decode[domain.SavedView](w.call(http.MethodPatch, base+"/views/"+v.ID, map[string]any{"name": "Slow"}).want(http.StatusOK))
	if v.Name != "Slow" || v.Filters.Text != "q" || v.Sort.Key != "speed" {
		t.Errorf("%+v", v)
	}
	if all := decode[[]domain.SavedView](w.get(base + "/views").want(http.StatusOK)); len(all) != 1 || all[0].Name != "Slow" {
		t.Errorf("%+v", all)
	}
	w.call(http.MethodDelete, base+"/views/"+v.ID, nil).want(http.StatusNoContent)
	w.call(http.MethodDelete, base+"/views/"+v.ID, nil).problem(http.StatusNotFound)
	w.call(http.MethodPatch, base+"/views/"+v.ID, map[string]any{"name": "x"}).problem(http.StatusNotFound)
}

func TestFacetsOverREST(t *testing.T) {
	w := newWorld(t, false)
	w.finished(map[string]any{"model_id": "tiny", "prompt": "a", "tags": []string{"x"}})
	w.finished(map[string]any{"model_id": "tiny", "prompt": "b"})
	f := decode[domain.Facets](w.get(base + "/facets?tag=x").want(http.StatusOK))
	if f.Total != 1 || len(f.Model) != 1 || f.Model[0].Count != 1 || f.Tag[0] != (domain.FacetCount{Value: "x", Count: 1}) || f.Dataset == nil {
		t.Errorf("%+v", f)
	}
	if p := w.get(base + "/facets?limit=3").problem(http.StatusUnprocessableEntity); !p.names("query.limit") {
		t.Errorf("%+v", p)
	}
}
