package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/service"
)

// The rules that operations hold in code, as the OpenAPI document says them. The framework does not see them: an
// operation names the place of a mistake in its own words. Where a pattern shows only the usual forms, the
// description says so.
const (
	notBlank = `\S`
	noNUL    = `^[^\u0000]*$`

	usualDate = `(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))` +
		`|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)`
	usualClock = `(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,6})?)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?`
	usualTime  = `^` + usualDate + `(?:[T ]` + usualClock + `)?$`
	timeNote   = `. The pattern shows the usual forms; basic and week dates are read too`

	// up to an hour
	usualDuration = `^(?:[1-9][0-9]{0,5}ms|(?:[1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|3600)s|(?:[1-9]|[1-5][0-9]|60)m|1h)$`
	// up to ten minutes
	usualWait    = `^(?:0s|[1-9][0-9]{0,4}ms|(?:[1-9][0-9]?|[1-5][0-9]{2}|600)s|(?:[1-9]|10)m)$`
	durationNote = `. The pattern shows the usual forms; 1m30s and 0.5s are read too`

	webAddress = `^https?://(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4})?::[0-9A-Fa-f]{1,4})\])` +
		`(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?` +
		`(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*$`
	hostAndPort = `^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?:0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$`
)

// tightened are the rules of fields, by schema and field.
func tightened() map[string]map[string]any {
	words := func(list ...string) map[string]any { return map[string]any{"enum": list} }
	items := func(rules map[string]any) map[string]any { return map[string]any{"items": rules} }
	whole := func(least, most int) map[string]any {
		return map[string]any{"type": "integer", "minimum": least, "maximum": most}
	}
	path := map[string]any{"maxLength": domain.LongestPath, "pattern": `^[^\u0000-\u001f]*$`}
	tag := map[string]any{"type": "string", "minLength": 1, "maxLength": 64, "pattern": notBlank}
	return map[string]map[string]any{
		"BenchmarkRequest.model_id":         {"pattern": notBlank},
		"BenchmarkRequest.prompt":           {"pattern": notBlank},
		"BenchmarkRequest.task":             words(domain.TaskTextGeneration),
		"BenchmarkRequest.tags":             items(tag),
		"QualityRequest.model_id":           {"pattern": notBlank},
		"QualityRequest.reference_model_id": {"pattern": notBlank},
		"RunPatch.tags":                     items(tag),
		"EndpointInput.kind":                words("openai", "ollama", "llama"),
		"EndpointInput.base_url":            {"pattern": webAddress},
		"EndpointInput.metrics_urls":        items(map[string]any{"type": "string", "maxLength": 2048, "pattern": webAddress}),
		"SettingsPatch.theme":               words("system", "dark", "light"),
		"SettingsPatch.language":            words("system", "en", "pt-BR"),
		"SettingsPatch.api_addr":            {"pattern": hostAndPort},
		"SettingsPatch.watch_builds":        words(domain.WatchAsk, domain.WatchAlways, domain.WatchNever),
		"SettingsPatch.allowed_hosts": items(map[string]any{"type": "string", "minLength": 1, "maxLength": domain.LongestHost,
			"pattern": `^[^\u0000-\u0020/\\@?#*,]+$`}),
		"SettingsPatch.engine_path": path,
		"SettingsPatch.models_dir":  path,
		"SettingsPatch.tls_cert":    path,
		"SettingsPatch.tls_key":     path,
		"SettingsPatch.currency":    {"pattern": `^[^\u0000-\u0020]*$`},
		"SweepAxis.values": items(map[string]any{"oneOf": []any{map[string]any{"type": "integer", "minimum": 0, "maximum": 1 << 20},
			map[string]any{"type": "string", "minLength": 1, "maxLength": 512, "pattern": notBlank}}}),
		"SweepSettings.model_id":     {"pattern": notBlank},
		"TuneDesign.settings":        items(map[string]any{"type": "string", "enum": service.TuneSettings()}),
		"TuneValues.threads":         items(whole(1, 1024)),
		"TuneValues.batch_size":      items(whole(1, 65536)),
		"TuneValues.ubatch_size":     items(whole(1, 65536)),
		"TuneValues.gpu_layers":      items(whole(0, 999)),
		"TuneValues.flash_attention": items(map[string]any{"type": "string", "enum": []string{"on", "off", "auto"}}),
		"TuneValues.cache_type_k":    items(map[string]any{"type": "string", "enum": domain.CacheTypes()}),
		"TuneValues.cache_type_v":    items(map[string]any{"type": "string", "enum": domain.CacheTypes()}),
		"ViewInput.name":             {"minLength": 1, "pattern": notBlank},
		"ViewInput.columns":          items(map[string]any{"type": "string", "minLength": 1, "maxLength": 32}),
	}
}

// tightenedQueries are the rules of parameters, by operation and name; those of "" hold for every operation that
// has none of its own.
func tightenedQueries() map[string]map[string]any {
	keys, _ := sampleFields()
	key := `(?:` + strings.Join(keys, `|`) + `)`
	return map[string]map[string]any{
		" start":                   {"pattern": usualTime},
		" end":                     {"pattern": usualTime},
		" cursor":                  {"pattern": offsetCursor},
		"benchmarks cursor":        {"pattern": runCursor},
		"startBenchmark wait":      {"pattern": usualWait},
		"benchmarkMetrics every":   {"pattern": usualDuration},
		"benchmarkMetrics series":  {"pattern": `^` + key + `(?:,` + key + `)*$`},
		"systemTelemetry last":     {"pattern": usualDuration},
		"import format":            {"enum": service.ImportFormats()},
		"trends metric":            {"enum": service.TrendMetrics()},
		"predictions quantization": {"enum": service.Quantizations()},
	}
}

// required are the fields that the body of one operation must have, though another with the same schema need not.
func required() map[string][]string {
	return map[string][]string{"addEndpoint": {"base_url"}, "addView": {"name"}}
}

// tighten writes the rules into the document.
func tighten(tree map[string]any) {
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	for place, rules := range tightened() {
		name, field, _ := strings.Cut(place, ".")
		schema, _ := schemas[name].(map[string]any)
		props, _ := schema["properties"].(map[string]any)
		merge(place, props[field], rules)
	}
	for _, methods := range tree["paths"].(map[string]any) {
		for _, o := range methods.(map[string]any) {
			op := o.(map[string]any)
			switch op["operationId"] {
			case "events":
				media := answerOf(op, "text/event-stream")
				media["schema"] = eventFrame(media["schema"])
			case "benchmarkMetrics":
				schema := answerOf(op, "application/json")["schema"].(map[string]any)
				schema["items"] = map[string]any{"anyOf": []any{schema["items"], map[string]any{"type": "object", "required": always(),
					"description": "With series: those keys alone"}}}
			}
			tightenParameters(op)
			tightenBody(op)
		}
	}
}

// answerOf is the documented body of a good answer.
func answerOf(op map[string]any, mediaType string) map[string]any {
	ok := op["responses"].(map[string]any)["200"].(map[string]any)
	return ok["content"].(map[string]any)[mediaType].(map[string]any)
}

// merge adds rules to a schema of the document. A rule without a schema is a fault of the program, seen by every test.
func merge(place string, schema any, rules map[string]any) {
	s, ok := schema.(map[string]any)
	if !ok {
		panic(fmt.Sprintf("api: the OpenAPI document has no %s", place))
	}
	for k, v := range rules {
		s[k] = v
	}
}

func tightenParameters(op map[string]any) {
	id := op["operationId"].(string)
	rules := tightenedQueries()
	params, _ := op["parameters"].([]any)
	for _, p := range params {
		param := p.(map[string]any)
		name, schema := param["name"].(string), param["schema"].(map[string]any)
		if param["in"] == "query" && schema["type"] == "boolean" { // see strictQuery
			param["schema"] = map[string]any{"anyOf": []any{schema, map[string]any{"const": "", "description": "The name alone means true"}}}
			continue
		}
		if param["in"] == "query" && schema["type"] == "array" {
			merge(name, schema["items"], map[string]any{"minLength": 1, "pattern": `^[^\u0000,]+$`})
			schema["minItems"] = 1
			continue
		}
		if param["in"] == "header" || schema["type"] != "string" || schema["enum"] != nil {
			continue
		}
		if schema["pattern"] == nil {
			schema["pattern"] = noNUL
		}
		if param["in"] == "query" {
			schema["minLength"] = 1
		}
		rule, own := rules[id+" "+name]
		if !own {
			rule = rules[" "+name]
		}
		merge(name, schema, rule)
		switch schema["pattern"] {
		case usualTime:
			param["description"] = fmt.Sprint(param["description"], timeNote)
		case usualDuration, usualWait:
			param["description"] = fmt.Sprint(param["description"], durationNote)
		}
	}
}

func tightenBody(op map[string]any) {
	id := op["operationId"].(string)
	fields := required()[id]
	body, _ := op["requestBody"].(map[string]any)
	if body == nil {
		return
	}
	for ct, m := range body["content"].(map[string]any) {
		media := m.(map[string]any)
		switch {
		case fields != nil:
			media["schema"] = map[string]any{"allOf": []any{media["schema"], map[string]any{"required": fields}}}
		case id == "import": // what the file is, is found out by its content, whatever its type says
		case media["schema"] == nil && ct == "application/json": // streamed; see uploadBody
			media["schema"] = map[string]any{"anyOf": []any{
				map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"type": []string{"object", "string"}}},
				map[string]any{"type": "object"}, // with prompts, or one line of a file of lines
				map[string]any{"type": "string", "minLength": 1},
			}}
		case media["schema"] == nil:
			media["schema"] = map[string]any{"type": "string", "minLength": 1}
		}
	}
}

// eventFrame describes one event of the stream as it is sent, with the envelope as the text of its data. The very
// first has retry alone.
func eventFrame(event any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{
		"id":    map[string]any{"type": "string"},
		"event": map[string]any{"type": "string", "enum": wordsOfEvents()},
		"retry": map[string]any{"type": "integer", "minimum": 0},
		"data":  map[string]any{"type": "string", "contentMediaType": "application/json", "contentSchema": event},
	}}
}

// optionalNull lets the own fields of a benchmark be null, which stands for "not given": typed clients send it so.
func optionalNull(schema map[string]any) {
	must, _ := schema["required"].([]any)
	for name, p := range schema["properties"].(map[string]any) {
		prop := p.(map[string]any)
		if slices.Contains(must, any(name)) {
			continue
		}
		switch t := prop["type"].(type) {
		case string:
			prop["type"] = []any{t, "null"}
			if words, ok := prop["enum"].([]any); ok {
				prop["enum"] = append(words, nil)
			} else if words, ok := prop["enum"].([]string); ok {
				list := []any{nil}
				for _, w := range words {
					list = append(list, w)
				}
				prop["enum"] = list
			}
		case nil:
			if shapes, ok := prop["oneOf"].([]any); ok {
				prop["oneOf"] = append(shapes, map[string]any{"type": "null"})
			} else {
				ref := map[string]any{"$ref": prop["$ref"]}
				delete(prop, "$ref")
				prop["anyOf"] = []any{ref, map[string]any{"type": "null"}}
			}
		}
	}
}
