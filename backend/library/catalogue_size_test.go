package library

import (
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

// Whoever chooses a model to fetch sees how large it is, and whether that is a round figure.
func TestEveryCatalogueRowHasASize(t *testing.T) {
	l, err := New(Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows, err := l.Models(t.Context(), false)
	if err != nil || len(rows) < 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	exact := map[bool][]domain.Model{}
	for _, m := range rows {
		if m.SizeBytes == nil || *m.SizeBytes <= 0 || m.License == "" {
			t.Errorf("%s has size %v and licence %q", m.ID, m.SizeBytes, m.License)
		}
		exact[!m.SizeApproximate] = append(exact[!m.SizeApproximate], m)
	}
	if len(exact[true]) != 1 || !exact[true][0].Default {
		t.Errorf("the rows of exact size are %+v, want the default model alone", exact[true])
	}
}
