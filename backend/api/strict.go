package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"github.com/inferometer/inferometer/backend/domain"
)

const (
	maxBody     = 1 << 20
	maxDepth    = 64
	bodyTimeout = 30 * time.Second
)

// strict runs before the framework's own validation and refuses what that lets pass: broken
// queries, unknown or doubled parameters, bodies of another type, duplicate keys, bad UTF-8, deep
// nesting, keys in another case.
func (a *API) strict(ctx huma.Context, next func(huma.Context)) {
	r, w := humamux.Unwrap(ctx)
	p := strictQuery(ctx.Operation(), r)
	if p == nil {
		p = a.strictBody(ctx.Operation(), w, r)
	}
	if p != nil {
		writeProblem(w, r, p)
		return
	}
	next(ctx)
}

func invalid(location, message string) *Problem {
	return newProblem(http.StatusUnprocessableEntity, "Some values are not valid.",
		domain.FieldError{Location: location, Message: message})
}

func malformed(location, message string) *Problem {
	return newProblem(http.StatusBadRequest, "The request cannot be read.",
		domain.FieldError{Location: location, Message: message})
}

// strictQuery checks the names of the query; a boolean that stands alone means true.
func strictQuery(op *huma.Operation, r *http.Request) *Problem {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return malformed("query", "is not a well-formed query")
	}
	known := map[string]*huma.Param{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			known[p.Name] = p
		}
	}
	p := newProblem(http.StatusUnprocessableEntity, "Some values are not valid.")
	fill := false
	for name, values := range q {
		location := "query." + printable(name)
		param := known[name]
		switch {
		case param == nil:
			p.Errors = append(p.Errors, domain.FieldError{Location: location, Message: "unknown query parameter"})
		case len(values) > 1:
			p.Errors = append(p.Errors, domain.FieldError{Location: location, Message: "given more than once"})
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			return malformed(location, "is not valid UTF-8 text")
		case values[0] == "" && param.Schema.Type == huma.TypeBoolean:
			q[name] = []string{"true"}
			fill = true
		case values[0] == "":
			p.Errors = append(p.Errors, domain.FieldError{Location: location, Message: "must not be empty"})
		}
	}
	if len(p.Errors) > 0 {
		return p
	}
	if fill {
		r.URL.RawQuery = q.Encode()
	}
	return nil
}

// printable keeps a parameter's name short and harmless enough to stand in an answer.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0x7f {
			return '?'
		}
		return r
	}, name)
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "") + "…"
	}
	return name
}

// strictBody reads the body of an operation that takes JSON, checks it and puts it back. Bodies
// of other types are streams that their own parser checks.
func (a *API) strictBody(op *huma.Operation, w http.ResponseWriter, r *http.Request) *Problem {
	if p := checkMediaType(op, r); p != nil {
		return p
	}
	if op.RequestBody != nil && op.RequestBody.Content["application/x-ndjson"] != nil {
		return nil
	}
	body, p := readBody(w, r)
	if p != nil {
		return p
	}
	if len(body) == 0 {
		if op.RequestBody != nil && op.RequestBody.Required {
			return malformed("body", "is missing")
		}
		return nil
	}
	tree, p := decodeStrict(body)
	if p != nil {
		return p
	}
	if op.RequestBody == nil {
		if m, ok := tree.(map[string]any); !ok || len(m) > 0 {
			return invalid("body", "this operation takes no body")
		}
		return nil
	}
	schema := op.RequestBody.Content["application/json"].Schema
	var fields []domain.FieldError
	a.checkShape(schema, tree, "body", &fields)
	if len(fields) > 0 {
		return newProblem(http.StatusUnprocessableEntity, "Some values are not valid.", fields...)
	}
	if plain, changed := a.plainIntegers(schema, tree); changed {
		if body, p = encodeTree(plain); p != nil {
			return p
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// checkMediaType answers 415 for a body whose type is missing or is not one the operation takes.
func checkMediaType(op *huma.Operation, r *http.Request) *Problem {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	allowed := []string{"application/json"}
	if op.RequestBody != nil {
		allowed = allowed[:0]
		for ct := range op.RequestBody.Content {
			allowed = append(allowed, ct)
		}
	}
	ct, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err == nil && (charset == "" || charset == "utf-8") {
		for _, want := range allowed {
			if ct == want {
				return nil
			}
		}
	}
	p := newProblem(http.StatusUnsupportedMediaType, "The body's content type is missing or not supported.",
		domain.FieldError{Location: "header.Content-Type", Message: "must be " + strings.Join(sorted(allowed), " or ")})
	p.header = http.Header{"Accept": {strings.Join(allowed, ", ")}}
	return p
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	// The deadline holds for the body alone: what runs afterwards may take its time.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTimeout)) // not every writer has one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = rc.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, newProblem(http.StatusRequestEntityTooLarge, "The body is larger than 1 MiB.",
			domain.FieldError{Location: "body", Message: "must not be larger than 1 MiB"})
	case err != nil:
		return nil, malformed("body", "could not be read to its end")
	}
	return body, nil
}

// decodeStrict reads one JSON value; numbers stay as they are written.
func decodeStrict(body []byte) (any, *Problem) {
	if !utf8.Valid(body) {
		return nil, malformed("body", "is not valid UTF-8")
	}
	if loneSurrogate(body) {
		return nil, malformed("body", "holds half of a surrogate pair")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, p := decodeValue(d, "body", 0)
	if p != nil {
		return nil, p
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("body", "goes on after its end")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, at string, depth int) (any, *Problem) {
	broken := func(err error) *Problem {
		var s *json.SyntaxError
		if errors.As(err, &s) {
			return malformed("body", fmt.Sprintf("is not valid JSON at byte %d", s.Offset))
		}
		return malformed("body", "is not valid JSON")
	}
	if depth > maxDepth {
		return nil, malformed("body", fmt.Sprintf("is nested deeper than %d", maxDepth))
	}
	t, err := d.Token()
	if err != nil {
		return nil, broken(err)
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, broken(err)
			}
			key := k.(string) // the decoder hands out nothing else here
			where := at + "." + printable(key)
			if _, twice := m[key]; twice {
				return nil, malformed(where, "is given more than once")
			}
			v, p := decodeValue(d, where, depth+1)
			if p != nil {
				return nil, p
			}
			m[key] = v
		}
		if _, err := d.Token(); err != nil {
			return nil, broken(err)
		}
		return m, nil
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, p := decodeValue(d, fmt.Sprintf("%s[%d]", at, len(list)), depth+1)
			if p != nil {
				return nil, p
			}
			list = append(list, v)
		}
		if _, err := d.Token(); err != nil {
			return nil, broken(err)
		}
		return list, nil
	}
	return t, nil
}

// loneSurrogate finds \uD800 to \uDFFF escapes that do not form a pair; the decoder would replace
// them silently.
func loneSurrogate(b []byte) bool {
	unit := func(i int) (uint64, bool) {
		if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 32)
		return n, err == nil
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		n, ok := unit(i)
		switch {
		case !ok:
			i++ // another escape, its letter with it
		case n >= 0xdc00 && n < 0xe000:
			return true
		case n >= 0xd800 && n < 0xdc00:
			if low, ok := unit(i + 6); !ok || low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 11
		default:
			i += 5
		}
	}
	return false
}

// checkShape finds unknown keys, exact in case, nulls, and numbers that do not fit; types and ranges are
// the framework's part. Only the optional fields of a benchmark may be null, which stands for "not given":
// the framework would let that pass everywhere.
func (a *API) checkShape(s *huma.Schema, v any, at string, fields *[]domain.FieldError) {
	if s == nil {
		return
	}
	nulls := s.Ref == refOf(benchmarkRequest)
	if s.Ref != "" {
		s = a.schemas.SchemaFromRef(s.Ref)
	}
	add := func(where, message string) {
		*fields = append(*fields, domain.FieldError{Location: where, Message: message})
	}
	switch x := v.(type) {
	case nil:
		if s.Type != "" && (s.Type == huma.TypeArray || !s.Nullable) { // the framework takes every list as nullable
			add(at, "must not be null")
		}
	case map[string]any:
		for _, k := range sortedKeys(x) {
			where := at + "." + printable(k)
			if prop, known := s.Properties[k]; known {
				if x[k] == nil && nulls && !slices.Contains(s.Required, k) {
					continue
				}
				a.checkShape(prop, x[k], where, fields)
			} else if s.Type == huma.TypeObject && s.Properties != nil {
				add(where, "unknown field")
			}
		}
	case []any:
		for i, item := range x {
			a.checkShape(s.Items, item, fmt.Sprintf("%s[%d]", at, i), fields)
		}
	case json.Number:
		if _, err := x.Float64(); err != nil {
			add(at, "is out of range")
		} else if _, ok := wholeOf(x); !ok && s.Type == huma.TypeInteger {
			add(at, "must be a whole number")
		}
	}
}

// exactly is the largest number up to which every whole one has a float of its own.
const exactly = 1 << 53

// wholeOf reads a whole number in any of JSON's spellings: 128, 128.0 and 1.28e2 are the same number.
func wholeOf(x json.Number) (int64, bool) {
	if n, err := x.Int64(); err == nil {
		return n, true
	}
	f, err := x.Float64()
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) <= exactly
}

// plainIntegers writes whole numbers where the schema wants them as digits alone, which is all that the
// framework's decoder reads. It says whether it changed anything.
func (a *API) plainIntegers(s *huma.Schema, v any) (any, bool) {
	if s == nil {
		return v, false
	}
	if s.Ref != "" {
		s = a.schemas.SchemaFromRef(s.Ref)
	}
	changed := false
	switch x := v.(type) {
	case map[string]any:
		for k, item := range x {
			plain, c := a.plainIntegers(s.Properties[k], item)
			x[k], changed = plain, changed || c
		}
	case []any:
		for i, item := range x {
			plain, c := a.plainIntegers(s.Items, item)
			x[i], changed = plain, changed || c
		}
	case json.Number:
		if _, err := x.Int64(); err != nil && s.Type == huma.TypeInteger {
			n, _ := wholeOf(x) // checkShape has seen to it
			return json.Number(strconv.FormatInt(n, 10)), true
		}
	}
	return v, changed
}

func encodeTree(tree any) ([]byte, *Problem) {
	b, err := json.Marshal(tree)
	if err != nil {
		return nil, malformed("body", "is not valid JSON")
	}
	return b, nil
}
