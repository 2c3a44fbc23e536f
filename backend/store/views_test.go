package store_test

import (
	"fmt"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func counts(cs []domain.FacetCount) string {
	out := ""
	for _, c := range cs {
		out += fmt.Sprintf("%s:%d ", c.Value, c.Count)
	}
	return out
}

func TestFacets(t *testing.T) {
	s := openNew(t)
	for i := range 12 {
		r := newRun(fmt.Sprint("r", i))
		r.Model, r.Engine = []string{"a", "b", "c"}[i%3], []string{"x", "y"}[i%2]
		r.Tags = [][]string{nil, {"t1"}, {"t1", "t2", "t1"}}[i%3]
		if i%4 == 0 {
			r.Plan.DatasetID, r.Status = ptr("set"), domain.StatusFailed
		}
		if i == 11 {
			r.DeletedAt = ptr(t0())
		}
		mustCreate(t, s, r)
	}
	for _, c := range []struct {
		f    domain.RunFilter
		want string
	}{
		{domain.RunFilter{}, "11 | a:4 b:4 c:3 | x:6 y:5 | set:3 | t1:7 t2:3 | completed:8 failed:3 "},
		// Its own filter does not narrow a column, the others do.
		{domain.RunFilter{Model: "a"}, "4 | a:4 b:4 c:3 | x:2 y:2 | set:1 | | completed:3 failed:1 "},
		{domain.RunFilter{Model: "a", Status: "failed"}, "1 | a:1 b:1 c:1 | x:1 | set:1 | | completed:3 failed:1 "},
		{domain.RunFilter{Tag: "t2"}, "3 | c:3 | x:2 y:1 | set:1 | t1:7 t2:3 | completed:2 failed:1 "},
		{domain.RunFilter{Query: "c"}, "3 | c:3 | x:2 y:1 | set:1 | t1:3 t2:3 | completed:2 failed:1 "},
		{domain.RunFilter{Trash: true}, "1 | c:1 | y:1 | | t1:1 t2:1 | completed:1 "},
		{domain.RunFilter{Model: "none"}, "0 | a:4 b:4 c:3 | | | | "},
	} {
		got, err := s.Facets(t.Context(), c.f)
		text := fmt.Sprintf("%d | %s| %s| %s| %s| %s", got.Total, counts(got.Model), counts(got.Engine), counts(got.Dataset), counts(got.Tag), counts(got.Status))
		if err != nil || text != c.want {
			t.Errorf("%+v:\n got %s\nwant %s, %v", c.f, text, c.want, err)
		}
	}
}

func TestViews(t *testing.T) {
	s := openNew(t)
	a, b := filled[domain.SavedView](1), filled[domain.SavedView](2)
	a.Name, b.Name = "Zeta", "alpha"
	for _, v := range []domain.SavedView{a, b} {
		if err := s.PutView(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Views(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "views", got, []domain.SavedView{b, a})
	same := a
	same.Name = "ALPHA"
	wantKind(t, "a name twice", s.PutView(t.Context(), same), domain.KindConflict)
	a.Name, a.Filters.Model = "Beta", "other"
	if err := s.PutView(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	one, err := s.View(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", one, a)
	if err := s.DeleteView(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "deleted twice", s.DeleteView(t.Context(), a.ID), domain.KindNotFound)
	_, err = s.View(t.Context(), a.ID)
	wantKind(t, "read", err, domain.KindNotFound)
}
