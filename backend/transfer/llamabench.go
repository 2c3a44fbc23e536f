package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// llama-bench of llama.cpp (tools/llama-bench) writes one row a test: pp is prompt processing, tg text
// generation. JSON and JSONL have the value of each repetition, CSV and SQL only mean and deviation.

// benchTest is one row.
type benchTest struct {
	fields  map[string]string // all but the results
	prompt  int
	gen     int
	depth   int
	avg     *float64 // tokens per second
	std     *float64
	samples []float64
	at      time.Time
}

// benchResults are the fields that differ between tests of one configuration.
func benchResults() []string {
	return []string{"n_prompt", "n_gen", "n_depth", "test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns", "samples_ts"}
}

func isLlamaBench(s shape) bool {
	return s.kind != kindSQL && s.has("build_commit", "model_filename", "n_prompt", "n_gen", "avg_ts")
}

func readLlamaBench(f File, s shape) (Doc, error) {
	var tests []benchTest
	add := func(raw json.RawMessage) error {
		var row map[string]json.RawMessage
		if err := json.Unmarshal(raw, &row); err != nil {
			return err
		}
		t, err := benchRow(func(name string) string { return plainText(row[name]) }, slices.Collect(maps.Keys(row)))
		if err != nil {
			return err
		}
		if err := strict(orNull(row["samples_ts"]), &t.samples); err != nil {
			return fmt.Errorf("samples_ts cannot be read: %w", err)
		}
		tests = append(tests, t)
		return nil
	}
	switch s.kind {
	case kindCSV:
		for _, row := range records(s.rows) {
			t, err := benchRow(func(name string) string { return row[name] }, slices.Collect(maps.Keys(row)))
			if err != nil {
				return Doc{}, err
			}
			tests = append(tests, t)
		}
	case kindArray:
		var all []json.RawMessage
		if err := strict(s.data, &all); err != nil {
			return Doc{}, err
		}
		for i, raw := range all {
			if err := add(raw); err != nil {
				return Doc{}, fmt.Errorf("test %d: %w", i+1, err)
			}
		}
	default:
		if err := s.eachLine(add); err != nil {
			return Doc{}, err
		}
	}
	return benchRuns(f, tests)
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// plainText is a JSON scalar without its quotes.
func plainText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// benchRow reads one test out of its named fields.
func benchRow(get func(string) string, names []string) (benchTest, error) {
	t := benchTest{fields: map[string]string{}}
	for name, p := range map[string]*int{"n_prompt": &t.prompt, "n_gen": &t.gen, "n_depth": &t.depth} {
		text := get(name)
		if text == "" && name == "n_depth" { // older builds know no depth
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return t, fmt.Errorf("%s is not a number of tokens", name)
		}
		*p = n
	}
	t.avg, t.std = cell(get("avg_ts")), cell(get("stddev_ts"))
	if t.avg == nil {
		return t, errors.New("avg_ts is not a number")
	}
	t.at, _ = time.Parse(time.RFC3339, get("test_time"))
	for _, name := range names {
		if !slices.Contains(benchResults(), name) {
			t.fields[name] = get(name)
		}
	}
	return t, nil
}

// name is the test as the tool's own table names it.
func (t benchTest) name() string {
	var parts []string
	if t.prompt > 0 {
		parts = append(parts, fmt.Sprintf("pp%d", t.prompt))
	}
	if t.gen > 0 {
		parts = append(parts, fmt.Sprintf("tg%d", t.gen))
	}
	name := strings.Join(parts, "+")
	if t.depth > 0 {
		name += fmt.Sprintf(" @ d%d", t.depth)
	}
	return name
}

// benchRuns makes one run of the tests of each configuration, in the order of the file.
func benchRuns(f File, tests []benchTest) (Doc, error) {
	var order []string
	groups := map[string][]benchTest{}
	for _, t := range tests {
		key, err := json.Marshal(t.fields)
		if err != nil {
			return Doc{}, err
		}
		if groups[string(key)] == nil {
			order = append(order, string(key))
		}
		groups[string(key)] = append(groups[string(key)], t)
	}
	var doc Doc
	for _, key := range order {
		r, err := benchRun(f, groups[key], len(order) > 1)
		if err != nil {
			return Doc{}, err
		}
		doc.Runs = append(doc.Runs, r)
	}
	return doc, nil
}

func benchRun(f File, tests []benchTest, several bool) (Run, error) {
	first := tests[0]
	model := first.fields["model_filename"]
	model = strings.TrimSuffix(model[strings.LastIndexAny(model, `/\`)+1:], ".gguf")
	r, err := f.begin(tool{"llama-bench", "llama-bench", strings.TrimPrefix("b"+first.fields["build_number"], "b0")}, model, first.at)
	if err != nil {
		return r, err
	}
	r.Engine = "llama.cpp"
	if several {
		r.Name = clip(fmt.Sprintf("%s · %s threads · ngl %s · %s/%s", r.Name, first.fields["n_threads"], first.fields["n_gpu_layers"], first.fields["type_k"], first.fields["type_v"]), 200)
	}
	r.note("Processor: %s. GPU: %s. Back ends: %s.", known(first.fields["cpu_info"]), known(first.fields["gpu_info"]), known(first.fields["backends"]))
	r.note("Each value is one repetition without a server: no request, no time to first token.")
	sum := summaryOf(&r)
	var pp, tg []*float64
	for _, t := range tests {
		p := r.stage(closed(1), depthOf(t.depth))
		p.Name = t.name()
		definition := "Tokens ÷ time; mean over repetitions."
		r.figure(p.Name+" avg_ts", p.Name+" t/s", "t/s", t.avg, definition)
		r.figure(p.Name+" stddev_ts", p.Name+" ±", "t/s", t.std, "Sample standard deviation over repetitions.")
		fig := noFigures()
		median := statsOf(t.samples).P50
		switch {
		case t.gen == 0 && t.prompt > 0:
			fig.PrefillTokensPerSecond = median
			pp = append(pp, median)
		case t.prompt == 0 && t.gen > 0:
			fig.DecodeTokensPerSecond = median
			tg = append(tg, median)
		}
		fig.Requests.OK = len(t.samples)
		sum.stage(*p, fig)
	}
	if len(pp) == 1 { // of several lengths none speaks for the run
		sum.PrefillTokensPerSecond = pp[0]
	}
	if len(tg) == 1 {
		sum.DecodeTokensPerSecond = tg[0]
	}
	sum.fill(&r)
	return r, nil
}

func known(text string) string {
	if text == "" {
		return "not said"
	}
	return clip(text, 200)
}

func isLlamaBenchSQL(s shape) bool {
	return s.kind == kindSQL && strings.Contains(string(s.data), "llama_bench")
}

// readLlamaBenchSQL reads the statements that the tool writes; nothing is executed.
func readLlamaBenchSQL(f File, s shape) (Doc, error) {
	var tests []benchTest
	rest := string(s.data)
	for {
		_, after, found := strings.Cut(rest, "INSERT INTO llama_bench (")
		if !found {
			break
		}
		columns, after, ok := strings.Cut(after, ") VALUES (")
		if !ok {
			return Doc{}, fmt.Errorf("statement %d has no values", len(tests)+1)
		}
		values, after, err := sqlValues(after)
		if err != nil {
			return Doc{}, fmt.Errorf("statement %d: %w", len(tests)+1, err)
		}
		names := strings.Split(columns, ", ")
		if len(names) != len(values) {
			return Doc{}, fmt.Errorf("statement %d has %d columns and %d values", len(tests)+1, len(names), len(values))
		}
		row := map[string]string{}
		for i, n := range names {
			row[strings.TrimSpace(n)] = values[i]
		}
		t, err := benchRow(func(name string) string { return row[name] }, names)
		if err != nil {
			return Doc{}, fmt.Errorf("statement %d: %w", len(tests)+1, err)
		}
		tests = append(tests, t)
		rest = after
	}
	return benchRuns(f, tests)
}

// sqlValues reads 'a', 'b', … up to the closing bracket. The tool doubles no quote, so that a quote
// within a value is told from its end by what follows.
func sqlValues(text string) (values []string, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " ")
		if !strings.HasPrefix(text, "'") {
			return nil, "", errors.New("a value is not quoted")
		}
		text = text[1:]
		end := 0
		for {
			i := strings.IndexByte(text[end:], '\'')
			if i < 0 {
				return nil, "", errors.New("a value does not end")
			}
			end += i
			if after := text[end+1:]; strings.HasPrefix(after, ", '") || strings.HasPrefix(after, ");") {
				break
			}
			end++
		}
		values = append(values, strings.ReplaceAll(text[:end], "''", "'"))
		text = text[end+1:]
		if strings.HasPrefix(text, ");") {
			return values, text[2:], nil
		}
		text = text[1:]
	}
}
