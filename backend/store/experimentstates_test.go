package store_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func TestExperimentRunStates(t *testing.T) {
	s := openNew(t)
	add := func(id, experiment string, arm, block int, status domain.Status) {
		r := newRun(id)
		r.Status = status
		if experiment != "" {
			r.Experiment = &domain.ExperimentPlace{ID: experiment, Arm: arm, Block: block}
		}
		mustCreate(t, s, r)
	}
	add("a1", "a", 1, 0, domain.StatusCompleted)
	add("alone", "", 0, 0, domain.StatusCompleted)
	add("a0", "a", 0, 0, domain.StatusFailed)
	add("b", "b", 0, 2, domain.StatusQueued)
	add("a2", "a", 0, 1, domain.StatusRunning)
	add("gone", "a", 1, 1, domain.StatusCompleted)
	gone, err := s.Run(t.Context(), "gone")
	if err != nil {
		t.Fatal(err)
	}
	gone.DeletedAt = ptr(time.Now())
	if err := s.UpdateRun(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	states, err := s.ExperimentRunStates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]domain.RunID{"a": {"a1", "a0", "a2"}, "b": {"b"}}
	got := map[string][]domain.RunID{}
	for id, runs := range states {
		for _, r := range runs {
			got[id] = append(got[id], r.ID)
			whole, err := s.Run(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			short := domain.Run{ID: whole.ID, Status: whole.Status, CreatedAt: whole.CreatedAt, Error: whole.Error, Experiment: whole.Experiment}
			if !reflect.DeepEqual(r, short) {
				t.Errorf("%+v, want %+v", r, short)
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
