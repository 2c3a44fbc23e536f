package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

// benchmarkRequest is the schema whose own optional fields may be null.
const benchmarkRequest = "BenchmarkRequest"

func refOf(name string) string { return "#/components/schemas/" + name }

// schemaOf returns a reference to the schema of a type and registers it.
func schemaOf[T any](r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[T](), true, "")
}

// eventSchema describes the envelope with every payload it may carry.
func (a *API) eventSchema() *huma.Schema {
	event := schemaOf[domain.Event](a.schemas)
	a.schemas.SchemaFromRef(event.Ref).Properties["data"] = &huma.Schema{
		Description: "By kind: run.created and run.finished Run; run.phase RunPhaseEvent; run.progress RunProgressEvent; telemetry TelemetryEvent; download.progress Download; bandwidth.progress BandwidthEvent; quality.changed Quality; alert Alert; log LogRecord; reset ResetEvent",
		AnyOf: []*huma.Schema{
			schemaOf[domain.Run](a.schemas), schemaOf[domain.RunPhaseEvent](a.schemas),
			schemaOf[domain.RunProgressEvent](a.schemas), schemaOf[domain.TelemetryEvent](a.schemas),
			schemaOf[domain.Download](a.schemas), schemaOf[domain.BandwidthEvent](a.schemas), schemaOf[domain.Quality](a.schemas),
			schemaOf[domain.Alert](a.schemas), schemaOf[domain.LogRecord](a.schemas), schemaOf[domain.ResetEvent](a.schemas),
		},
	}
	return event
}

// buildSpec encodes the OpenAPI document after every route is registered. Its schemas are copies:
// the framework validates input with the originals.
func (a *API) buildSpec() []byte {
	doc := a.huma.OpenAPI()
	all := a.schemas.Map()
	delete(all, "ErrorModel") // the framework's own form of errors, never sent
	delete(all, "ErrorDetail")
	raw, err := json.Marshal(doc)
	if err != nil {
		panic("api: encode OpenAPI document: " + err.Error()) // a fault of the program, seen by every test
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		panic("api: read OpenAPI document: " + err.Error())
	}
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range all {
		a.refine(schemas[name].(map[string]any), a.schemas.TypeFromRef("#/components/schemas/"+name))
	}
	manyShapes(schemas[benchmarkRequest].(map[string]any)["properties"].(map[string]any))
	neverNull(tree)
	tighten(tree)
	optionalNull(schemas[benchmarkRequest].(map[string]any))
	out, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		panic("api: encode OpenAPI document: " + err.Error())
	}
	return append(out, '\n')
}

// manyShapes documents the two fields of a benchmark that take several shapes. The service reads
// them, so that it can name the very place of a mistake.
func manyShapes(props map[string]any) {
	object := func(v ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(v); i += 2 {
			m[v[i].(string)] = v[i+1] // #nosec G602 -- pairs that are written out below
		}
		return m
	}
	words := object("type", "string", "examples", []any{"ttft<500ms,tpot_p95<50ms"})
	oneOf := func(prop any, shapes ...any) { prop.(map[string]any)["oneOf"] = shapes }
	oneOf(props["slo"], words, object("type", "array", "items", words),
		object("type", "array", "items", object("$ref", "#/components/schemas/Objective")),
		object("type", "object", "additionalProperties", object("type", "number"), "examples", []any{object("ttft_p95_ms", 500)}))
	oneOf(props["repeat"], object("type", "integer", "minimum", 1, "maximum", service.MaxRepeat), object("type", "string", "enum", []any{"auto"}))
}

// refine says what reflection alone does not: a pointer to an object may be null, and the words
// that our text types may hold.
func (a *API) refine(schema map[string]any, t reflect.Type) {
	props, _ := schema["properties"].(map[string]any)
	for _, f := range reflect.VisibleFields(t) {
		key, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		prop, ok := props[key].(map[string]any)
		if !ok || f.Anonymous {
			continue
		}
		if ref, ok := prop["$ref"]; ok && f.Type.Kind() == reflect.Pointer && !strings.Contains(opts, "omitempty") {
			props[key] = map[string]any{"anyOf": []any{map[string]any{"$ref": ref}, map[string]any{"type": "null"}}}
		}
		if words := wordsOf(f.Type); words != nil {
			prop["enum"] = words
		}
	}
}

// wordsOf lists the values of our text types.
func wordsOf(t reflect.Type) []any {
	switch t {
	case reflect.TypeFor[domain.Status]():
		return []any{domain.StatusQueued, domain.StatusRunning, domain.StatusCompleted, domain.StatusFailed,
			domain.StatusCanceled, domain.StatusInterrupted}
	case reflect.TypeFor[domain.Phase]():
		return []any{domain.PhaseIdle, domain.PhasePrepare, domain.PhaseSettle, domain.PhaseWarmup,
			domain.PhaseMeasure, domain.PhaseRest, domain.PhaseCooldown, domain.PhaseDrain, domain.PhaseStop}
	case reflect.TypeFor[domain.Outcome]():
		return []any{domain.OutcomeOK, domain.OutcomeError, domain.OutcomeIncomplete, domain.OutcomeCanceled,
			domain.OutcomeDropped}
	case reflect.TypeFor[domain.QualityKind]():
		return []any{domain.QualityTasks, domain.QualityPerplexity, domain.QualityDivergence}
	case reflect.TypeFor[domain.EventKind]():
		return wordsOfEvents()
	}
	return nil
}

func wordsOfEvents() []any {
	return []any{domain.EventRunCreated, domain.EventRunPhase, domain.EventRunProgress, domain.EventRunFinished,
		domain.EventTelemetry, domain.EventDownloadProgress, domain.EventBandwidth, domain.EventQuality, domain.EventAlert, domain.EventLog, domain.EventReset}
}

// neverNull takes "null" out of every list's type, because transform fills them. A pair of fixed
// length is no list.
func neverNull(v any) {
	switch x := v.(type) {
	case map[string]any:
		if types, ok := x["type"].([]any); ok && len(types) == 2 && types[0] == "array" && (x["minItems"] == nil || x["minItems"] != x["maxItems"]) {
			x["type"] = "array"
		}
		for _, child := range x {
			neverNull(child)
		}
	case []any:
		for _, child := range x {
			neverNull(child)
		}
	}
}
