package store_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

func newQuality(id string, at time.Time) domain.Quality {
	return domain.Quality{ID: id, Kind: domain.QualityTasks, ModelID: "m", Language: "en", Pack: "tasks-en-1", Engine: "llama-server",
		Status: domain.StatusQueued, CreatedAt: at}
}

func TestQualityComesBackAsItWas(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inferometer.db"))
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	q := newQuality("a", at)
	if err := s.PutQuality(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	end := at.Add(time.Minute)
	q.Status, q.StartedAt, q.EndedAt, q.ModelSHA256, q.EngineBuild = domain.StatusCompleted, &at, &end, "feed", "b1"
	q.Summary = &domain.QualitySummary{Tasks: &domain.TaskScore{Right: 31, Asked: 40, Percent: new(77.5), Interval: &domain.Interval{62.5, 87.7},
		Groups: []domain.TaskGroup{{Name: "json", Right: 1, Asked: 3}}, Verdict: "scored", Broken: []domain.SignSeen{}}}
	if err := s.PutQuality(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Quality(t.Context(), "a"); err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("%+v, %v, want %+v", got, err, q)
	}
	records := []domain.QualityRecord{
		{N: 0, Side: "model", Item: "en-01", Answer: &domain.AnswerRecord{Text: "não 83", Outcome: domain.OutcomeOK, Finish: "stop", TotalUs: 12}},
		{N: 1, Side: "reference", Item: "en-tides", Scores: []domain.TokenScore{{ID: 7, LogProb: -1.5, Top: []domain.TokenProb{{ID: 9, LogProb: -0.1}}}}},
	}
	for _, r := range records {
		if err := s.AppendQuality(t.Context(), "a", r); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.QualityRecords(t.Context(), "a"); err != nil || !reflect.DeepEqual(got, records) {
		t.Errorf("records: %+v, %v", got, err)
	}
	if err := s.DeleteQuality(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.QualityRecords(t.Context(), "a"); err != nil || len(got) != 0 {
		t.Errorf("records of a deleted one: %+v, %v", got, err)
	}
	if _, err := s.Quality(t.Context(), "a"); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("deleted: %v", err)
	}
	if err := s.DeleteQuality(t.Context(), "a"); domain.KindOf(err) != domain.KindNotFound {
		t.Errorf("deleted again: %v", err)
	}
	if err := s.AppendQuality(t.Context(), "a", records[0]); err == nil {
		t.Error("a record of none was stored")
	}
}

func TestQualitiesAreFilteredAndInterrupted(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "inferometer.db"))
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for i, change := range []func(*domain.Quality){
		func(q *domain.Quality) { q.Status = domain.StatusCompleted },
		func(q *domain.Quality) { q.ModelID, q.Status = "n", domain.StatusRunning },
		func(q *domain.Quality) { q.Language, q.EndpointID = "pt-BR", new("e") },
		func(q *domain.Quality) { q.Kind = domain.QualityPerplexity },
	} {
		q := newQuality(string(rune('a'+i)), at.Add(time.Duration(i)*time.Second))
		change(&q)
		if err := s.PutQuality(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for want, f := range map[string]domain.QualityFilter{
		"dcba": {}, "dc": {Limit: 2}, "dca": {Model: "m"}, "c": {Endpoint: "e"}, "cba": {Kind: "tasks"}, "a": {Status: "completed"}, "dba": {Language: "en"}, "": {Model: "x"},
	} {
		qs, err := s.Qualities(t.Context(), f)
		got := ""
		for _, q := range qs {
			got += q.ID
		}
		if err != nil || got != want {
			t.Errorf("%+v: %s, %v, want %s", f, got, err, want)
		}
	}
	if err := s.InterruptQualities(t.Context(), at.Add(time.Hour), domain.RunError{Kind: domain.KindUnavailable, Message: "The program ended."}); err != nil {
		t.Fatal(err)
	}
	qs, err := s.Qualities(t.Context(), domain.QualityFilter{Status: "interrupted"})
	if err != nil || len(qs) != 3 || qs[0].EndedAt == nil || qs[0].Error == nil || qs[0].Error.Message != "The program ended." {
		t.Errorf("interrupted: %+v, %v", qs, err)
	}
}
