package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
	"github.com/inferometer/inferometer/backend/store"
)

var _ service.Store = (*store.Store)(nil)

// t0 is a moment with whole microseconds, as stored.
func t0() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC) }

func ptr[T any](v T) *T { return &v }

func openAt(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openNew(t *testing.T) *store.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "data", "inferometer.db"))
}

func newRun(id string) domain.Run {
	return domain.Run{ID: domain.RunID(id), Name: "run " + id, Status: domain.StatusCompleted, Model: "m", Engine: "llama-server",
		Task: domain.TaskTextGeneration, CreatedAt: t0()}
}

func mustCreate(t *testing.T, s *store.Store, rs ...domain.Run) {
	t.Helper()
	for _, r := range rs {
		if err := s.CreateRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func mustAppend(t *testing.T, s *store.Store, id domain.RunID, b domain.Batch) {
	t.Helper()
	if err := s.AppendRun(t.Context(), id, b); err != nil {
		t.Fatal(err)
	}
}

// okRequest is a successful measured request with the given figures.
func okRequest(run string, n int, at time.Time, tokens int, ttft, tpot, total int64) domain.RequestRecord {
	return domain.RequestRecord{N: n, RequestID: fmt.Sprintf("%s-%d", run, n), Phase: domain.PhaseMeasure, Outcome: domain.OutcomeOK,
		StartedAt: at, OutputTokens: &tokens, TTFTUs: &ttft, TPOTUs: &tpot, LastUs: &total}
}

// fill sets every exported field below v to something random that is never its zero value.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(t0().Add(time.Duration(r.IntN(1e9)) * time.Microsecond)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(r, k)
			fill(r, e)
			v.SetMapIndex(k, e)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("é'\"%%_\\ %d", r.Int64()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1 + r.Int64N(1e12))
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(1 + r.Uint64N(200))
	case reflect.Float64:
		v.SetFloat(0.001 + r.Float64()*1e4)
	default:
		panic("fill: " + v.Type().String())
	}
}

func filled[T any](seed uint64) T {
	var v T
	fill(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(&v).Elem())
	return v
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func wantKind(t *testing.T, what string, err error, kind domain.Kind) {
	t.Helper()
	if err == nil || domain.KindOf(err) != kind {
		t.Errorf("%s: got %v, want kind %s", what, err, kind)
	}
}

func collect[T any](t *testing.T, seq func(func(T, error) bool)) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func background() context.Context { return context.Background() }

// refusalOf is what a person is told of an error.
func refusalOf(t *testing.T, err error) *domain.Error {
	t.Helper()
	var ours *domain.Error
	if !errors.As(err, &ours) {
		t.Fatalf("%v has no words for a person", err)
	}
	return ours
}
