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
	want := map[string][]domain.ExperimentRun{
		"a": {{ID: "a1", Arm: 1, Status: domain.StatusCompleted}, {ID: "a0", Status: domain.StatusFailed}, {ID: "a2", Block: 1, Status: domain.StatusRunning}},
		"b": {{ID: "b", Block: 2, Status: domain.StatusQueued}},
	}
	if got, err := s.ExperimentRunStates(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}
