package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestSearch(t *testing.T) {
	w := newWorld(t, false)
	run := w.finished(map[string]any{"model_id": "tiny", "prompt": `Say <b>"hello"</b>.`, "name": "greeting"})
	find := func(q string) domain.Search {
		t.Helper()
		return decode[domain.Search](w.get(base + "/search?" + url.Values{"q": {q}}.Encode()).want(http.StatusOK))
	}
	deadline := time.Now().Add(10 * time.Second)
	for find("greeting").Indexing > 0 && time.Now().Before(deadline) {
	}
	got := find("hello ")
	if len(got.Hits) != 1 || got.Hits[0].JobID != run.ID || got.More {
		t.Fatalf("%+v", got)
	}
	m := got.Hits[0].Matches[0]
	if m.Field != "prompt" || m.Request == nil || len(m.Snippet) != 3 || !strings.HasSuffix(m.Snippet[0].Text, `Say <b>"`) || !m.Snippet[1].Found || m.Snippet[1].Text != "hello" {
		t.Errorf("%+v", m)
	}
	if m := find("greet").Hits[0].Matches[0]; m.Field != "name" || m.Request != nil {
		t.Errorf("%+v", m)
	}
	if jobs := decode[[]domain.Run](w.get(base + "/benchmarks?q=greeting+hello").want(http.StatusOK)); len(jobs) != 1 {
		t.Errorf("the list has %d", len(jobs))
	}
	for _, q := range []string{`"`, "AND OR NOT", "a*b:c^(", "\x01", "nothing"} {
		if got := find(q); len(got.Hits) != 0 {
			t.Errorf("%q found %+v", q, got)
		}
	}
	for query, location := range map[string]string{"": "query.q", "q=": "query.q", "q=a&limit=0": "query.limit", "q=a&x=1": "query.x"} {
		if p := w.get(base + "/search?" + query).problem(http.StatusUnprocessableEntity); !p.names(location) {
			t.Errorf("%q: %+v", query, p)
		}
	}
}
