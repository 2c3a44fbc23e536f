package app

import (
	"fmt"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestReadingsGoToTheirRun(t *testing.T) {
	type s = domain.Sample
	idle, measure := domain.PhaseIdle, domain.PhaseMeasure
	for _, c := range []struct {
		name        string
		fresh       []s
		before, now domain.RunID
		want        string
	}{
		{"one run", []s{{TUs: 5, Phase: measure}, {TUs: 6, Phase: measure}}, "a", "a", "a:2 "},
		{"no run", []s{{Phase: idle}, {Phase: idle}}, "", "", ":2 "},
		{"a run begins", []s{{Phase: idle}, {TUs: 1, Phase: measure}}, "", "a", ":1 a:1 "},
		{"a run has ended", []s{{TUs: 9, Phase: measure}, {Phase: idle}}, "a", "", "a:1 :1 "},
		{"one after the other", []s{{TUs: 9, Phase: measure}, {TUs: 1, Phase: measure}, {TUs: 2, Phase: measure}}, "a", "b", "a:1 b:2 "},
	} {
		got := ""
		for _, e := range byRun(c.fresh, c.before, c.now) {
			got += fmt.Sprintf("%s:%d ", e.JobID, len(e.Samples))
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
