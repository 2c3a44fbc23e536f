package store

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

const releasedFile = "testdata/migrations.sha256"

// TestReleasedMigrationsStayAsTheyAre: together with the database of version 1, the released migrations are the
// fixtures of every version since. With -update new ones are added; what is there is never changed.
func TestReleasedMigrationsStayAsTheyAre(t *testing.T) {
	text, err := os.ReadFile(releasedFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	steps := embedded(t)
	for i, m := range steps {
		line := fmt.Sprintf("%x  %s", sha256.Sum256([]byte(m.sql)), m.name)
		switch {
		case i < len(lines) && lines[i] != line:
			t.Errorf("%s has changed since it was released; undo that, and add a new one", m.name)
		case i >= len(lines) && *update:
			lines = append(lines, line)
		case i >= len(lines):
			t.Errorf("%s is not in %s; run with -update", m.name, releasedFile)
		}
	}
	if len(lines) > len(steps) {
		t.Errorf("%d released migrations are gone", len(lines)-len(steps))
	}
	if *update {
		if err := os.WriteFile(releasedFile, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryVersionBecomesTheNewest opens a database of each older version, with data of the first, and finds the newest
// schema and the data.
func TestEveryVersionBecomesTheNewest(t *testing.T) {
	want, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	steps := embedded(t)
	for n := 1; n < len(steps); n++ {
		path := fromFixture(t)
		db := open(path, "mode=rw", 1, nil)
		for _, m := range steps[1:n] {
			if err := m.apply(t.Context(), db); err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatalf("version %d: %v", n, err)
		}
		if got := schema(t, s.r); got != string(want) {
			t.Errorf("version %d becomes another schema", n)
		}
		r, err := s.Run(t.Context(), "5f0c6c1e-0000-4000-8000-000000000001")
		if err != nil || r.Name != "first" || r.Plan.MaxTokens != 128 {
			t.Errorf("version %d: %+v, %v", n, r, err)
		}
		sampleOfVersion1(t, s, r.ID)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
