package api

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/inferometer/inferometer/backend/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "openapi.json"

func TestOpenAPIGolden(t *testing.T) {
	got := New(Options{Version: "0"}).spec
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Fatal("openapi.json does not match the code; run: go test ./backend/api -run OpenAPI -update")
	}
}

func TestOpenAPIPathsAreWhole(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(New(Options{}).spec, &doc); err != nil {
		t.Fatal(err)
	}
	for _, op := range Ops() {
		_, documented := doc.Paths[op.Path][strings.ToLower(op.Method)]
		if documented == op.Hidden {
			t.Errorf("%s %s: documented %v, hidden %v", op.Method, op.Path, documented, op.Hidden)
		}
	}
	for path := range doc.Paths {
		if !strings.HasPrefix(path, base+"/") && !strings.HasPrefix(path, "/results/average/") && path != "/metrics" {
			t.Errorf("path %s lacks its prefix", path)
		}
	}
	for _, name := range []string{"Run", "Problem", "RunProgressEvent", "TelemetryEvent", "LogRecord", "Download"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
}

// Every exported method of the service is an operation with a row, apart from those that run the
// service itself, and every row names a method.
func TestEveryOperationHasARoute(t *testing.T) {
	notOperations := []string{"Start", "Close", "ActiveRun", "WaitBenchmark"}
	rows := map[string]bool{}
	for _, op := range Ops() {
		if !op.Own {
			rows[op.Name] = true
		}
		if op.Summary == "" {
			t.Errorf("%s has no summary", op.Name)
		}
		if want := op.Method == "GET"; (op.Kind == Read) != want {
			t.Errorf("%s %s is of kind %s", op.Method, op.Path, op.Kind)
		}
	}
	svc := reflect.TypeFor[*service.Service]()
	for i := range svc.NumMethod() {
		name := svc.Method(i).Name
		if !rows[name] && !slices.Contains(notOperations, name) {
			t.Errorf("operation %s has no route", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("route %s has no operation", name)
	}
}
