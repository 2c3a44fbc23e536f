package store_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/store"
)

// index puts all texts into the index and returns how many transactions that took.
func index(tb testing.TB, s *store.Store) int {
	tb.Helper()
	for n := 1; ; n++ {
		more, err := s.IndexTexts(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if !more {
			return n
		}
	}
}

func withTexts(run string, n int, prompt, output string) domain.RequestRecord {
	q := okRequest(run, n, t0(), 3, 1, 1, 1)
	q.Prompt, q.Output = &prompt, &output
	return q
}

// found writes hits as "run[field request: text before|FOUND|after; …]".
func found(t *testing.T, s *store.Store, query string) string {
	t.Helper()
	a, err := s.Search(t.Context(), domain.SearchFilter{Query: query})
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	var hits []string
	for _, h := range a.Hits {
		var places []string
		for _, m := range h.Matches {
			text := m.Field
			if m.Request != nil {
				text += fmt.Sprint(" ", *m.Request)
			}
			text += ": "
			for _, p := range m.Snippet {
				if p.Found {
					text += "|" + p.Text + "|"
				} else {
					text += p.Text
				}
			}
			places = append(places, text)
		}
		hits = append(hits, string(h.JobID)+"["+strings.Join(places, "; ")+"]")
	}
	return strings.Join(hits, " ")
}

func TestSearch(t *testing.T) {
	s := openNew(t)
	a, b, c := newRun("a"), newRun("b"), newRun("c")
	a.Name, a.Model, a.Tags, a.Notes = "Árvore grande", "Qwen3-8B", []string{"noite", "<b>&"}, "um teste"
	b.Name, b.Model, b.Notes = "Other", "Llama", "note"
	c.Name = "c"
	c.Status = domain.StatusRunning
	mustCreate(t, s, a, b, c)
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{
		withTexts("a", 0, "Why is the sky blue?", "Rayleigh scattering"),
		withTexts("a", 1, "A bluebird sang", "na ÁRVORE"),
	}})
	mustAppend(t, s, "b", domain.Batch{Requests: []domain.RequestRecord{withTexts("b", 7, "the blue sky", "grande")}})
	mustAppend(t, s, "c", domain.Batch{Requests: []domain.RequestRecord{withTexts("c", 0, "a blue thing", "running")}})
	if got := found(t, s, "sky"); got != "" {
		t.Errorf("found before it was indexed: %s", got)
	}
	index(t, s)
	cases := []struct{ query, want string }{
		{"sky", "b[prompt 7: the blue |sky|] a[prompt 0: Why is the |sky| blue?]"},
		{"arvore ", "a[name: |Árvore| grande; output 1: na |ÁRVORE|]"},
		{"blue ", "b[prompt 7: the |blue| sky] a[prompt 0: Why is the sky |blue|?]"},
		{"BLUE", "b[prompt 7: the |blue| sky] a[prompt 0: Why is the sky |blue|?; prompt 1: A |bluebird| sang]"}, // still being typed
		{`"sky blue"`, "a[prompt 0: Why is the |sky blue|?]"},
		{"“blue sky”", "b[prompt 7: the |blue sky|]"},
		{`"sky bl`, "a[prompt 0: Why is the |sky blue|?]"},                          // a phrase still being typed
		{"qwen3-8b", "a[model: |Qwen3-8B|]"},                                        // one word of the person, two of the index
		{"qwen sky", ""},                                                            // only the last word may be a beginning
		{"qwen3 rayleigh", "a[model: |Qwen3|-8B; output 0: |Rayleigh| scattering]"}, // one word in the run, one in a request
		{"noite teste", "a[tags: |noite|, <b>&; notes: um |teste|]"},
		{"llama nothing", ""},
		{"rayleigh bluebird", ""}, // of two requests
		{"running", ""},           // not before the run has ended
		{"", ""}, {"  ", ""}, {"?!", ""}, {`""`, ""},
		{"sky AND blue", ""}, {"sky OR nothing", ""}, {"NOT sky", ""}, {"prompt:sky", ""}, {"s*", ""},
		{"sky NEAR(blue", ""}, {"^sky", "b[prompt 7: the blue |sky|] a[prompt 0: Why is the |sky| blue?]"}, {`a"b'c`, ""}, {"{}()+-:^*", ""},
	}
	for _, c := range cases {
		if got := found(t, s, c.query); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.query, got, c.want)
		}
	}
	page, err := s.Runs(t.Context(), domain.RunFilter{Query: "grande"})
	if err != nil || page.Total != 2 {
		t.Errorf("the list finds %d of 2, %v", page.Total, err)
	}
}

// TestSearchFollowsChanges changes what was indexed in every way, and checks the index by itself.
func TestSearchFollowsChanges(t *testing.T) {
	s := openNew(t)
	for _, id := range []string{"a", "b", "c"} {
		mustCreate(t, s, newRun(id))
		mustAppend(t, s, domain.RunID(id), domain.Batch{Requests: []domain.RequestRecord{withTexts(id, 0, "alpha "+id, "beta "+id)}})
	}
	index(t, s)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := s.Writer().Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.Run(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	a.Name, a.Tags = "renamed", []string{"gamma"}
	if err := s.UpdateRun(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	b, _ := s.Run(t.Context(), "b")
	b.DeletedAt = ptr(t0())
	if err := s.UpdateRun(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	exec("UPDATE request_detail SET prompt = NULL WHERE prompt = 'alpha c'")
	for query, want := range map[string]string{"run a": "", "renamed": "a[name: |renamed|]", "gamma ": "a[tags: |gamma|]",
		"alpha ": "a[prompt 0: |alpha| a]", "beta c": ""} {
		if got := found(t, s, query); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
	if n, err := s.PurgeRuns(t.Context(), t0().Add(1e9)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	exec("INSERT INTO search_request(search_request, rank) VALUES('integrity-check', 1)")
	exec("INSERT INTO search_name(search_name, rank) VALUES('integrity-check', 1)")
	var docs, runs int
	if err := s.Reader().QueryRow("SELECT (SELECT count(*) FROM search_doc), (SELECT count(*) FROM search_run)").Scan(&docs, &runs); err != nil || docs != 1 || runs != 2 {
		t.Errorf("%d documents and %d runs are left, want 1 and 2; %v", docs, runs, err)
	}
}

// TestIndexTextsIsBounded: a long run takes several transactions, and a stop between them loses nothing.
func TestIndexTextsIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("long"), newRun("z"))
	var qs []domain.RequestRecord
	for i := range 450 {
		qs = append(qs, withTexts("long", i, fmt.Sprint("number ", i), "out"))
	}
	mustAppend(t, s, "long", domain.Batch{Requests: qs})
	for range 2 {
		if more, err := s.IndexTexts(t.Context()); err != nil || !more {
			t.Fatal(more, err)
		}
	}
	a, err := s.Search(t.Context(), domain.SearchFilter{Query: "out"})
	if err != nil || a.Indexing != 1 {
		t.Errorf("%d runs are still to be indexed, want 1; %v", a.Indexing, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	if n := index(t, s); n < 3 {
		t.Errorf("the rest took %d transactions, want 3 and what merging takes", n)
	}
	for _, n := range []int{0, 199, 200, 399, 449} {
		if got, want := found(t, s, fmt.Sprintf("%d ", n)), fmt.Sprintf("long[prompt %d: number |%d|]", n, n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestSearchIsPagedByRuns: many requests of one run are one hit.
func TestSearchIsPagedByRuns(t *testing.T) {
	s := openNew(t)
	for r := range 5 {
		id := fmt.Sprint("r", r)
		mustCreate(t, s, newRun(id))
		var qs []domain.RequestRecord
		for i := range 20 {
			qs = append(qs, withTexts(id, i, "same words", "again"))
		}
		mustAppend(t, s, domain.RunID(id), domain.Batch{Requests: qs})
	}
	index(t, s)
	a, err := s.Search(t.Context(), domain.SearchFilter{Query: "same", Limit: 3})
	if err != nil || len(a.Hits) != 3 || !a.More || a.Hits[0].JobID != "r4" || len(a.Hits[0].Matches) != 3 {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err = s.Search(t.Context(), domain.SearchFilter{Query: "same", Limit: 5}); err != nil || len(a.Hits) != 5 || a.More {
		t.Errorf("got %d hits, more %v, %v", len(a.Hits), a.More, err)
	}
}

// TestSearchWithoutFTS5 opens a database as a build without full-text search does, and again with it.
func TestSearchWithoutFTS5(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := openAt(t, path)
	mustCreate(t, s, newRun("a"))
	mustAppend(t, s, "a", domain.Batch{Requests: []domain.RequestRecord{withTexts("a", 0, "alpha", "beta")}})
	index(t, s)
	store.WithoutSearch(t, s)
	_, err := s.Search(t.Context(), domain.SearchFilter{Query: "alpha"})
	wantKind(t, "search", err, domain.KindUnavailable)
	_, err = s.Runs(t.Context(), domain.RunFilter{Query: "alpha"})
	wantKind(t, "list", err, domain.KindUnavailable)
	if _, err := s.Writer().Exec("UPDATE request_detail SET prompt = 'changed'"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	index(t, s)
	if got := found(t, s, "changed") + found(t, s, "alpha"); got != "a[prompt 0: |changed|]" {
		t.Errorf("got %s", got)
	}
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{`a "b c`, "AND", `"`, "a*", "\x00", "\xff", "ﬁ ǅ 漢字 ́", "-"} {
		f.Add(seed)
	}
	s, err := store.Open(f.Context(), filepath.Join(f.TempDir(), "x.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := s.Search(t.Context(), domain.SearchFilter{Query: query}); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	})
}

// BenchmarkSearch looks through 50,000 results in 500 runs: for a word of a few of them, of all, of two
// kinds, for a phrase and for the start of a word.
func BenchmarkSearch(b *testing.B) {
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "x.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	words := vocabulary(5000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 500 {
		run := newRun(fmt.Sprint("run-", i))
		run.Model = []string{"qwen3", "llama"}[i%2]
		if err := s.CreateRun(b.Context(), run); err != nil {
			b.Fatal(err)
		}
		var batch domain.Batch
		for n := range 100 {
			batch.Requests = append(batch.Requests, withTexts(string(run.ID), n, "everywhere "+sentence(r, words, 40), sentence(r, words, 80)))
		}
		if err := s.AppendRun(b.Context(), run.ID, batch); err != nil {
			b.Fatal(err)
		}
	}
	index(b, s)
	for _, query := range []string{words[4000] + " ", words[0] + " ", "everywhere ", "qwen3 " + words[2000] + " ",
		`"everywhere ` + words[1] + `"`, words[3000][:4], "e"} {
		b.Run(strings.ReplaceAll(query, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				a, err := s.Search(b.Context(), domain.SearchFilter{Query: query})
				if err != nil || len(a.Hits) == 0 {
					b.Fatal(len(a.Hits), err)
				}
			}
		})
		b.Run("list_"+strings.ReplaceAll(query, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Runs(b.Context(), domain.RunFilter{Query: query}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// vocabulary makes words whose frequency falls with their number.
func vocabulary(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]string, n)
	for i := range out {
		for range 4 + r.IntN(6) {
			out[i] += string(rune('a' + r.IntN(26)))
		}
	}
	return out
}

func sentence(r *rand.Rand, words []string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(words[int(float64(len(words))*r.Float64()*r.Float64()*r.Float64())] + " ")
	}
	return b.String()
}
