package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
)

// resultRow is one result of a test_database.json: times in ms, a naive time is UTC.
type resultRow struct {
	RequestID           string   `json:"request_id"`
	PromptText          *string  `json:"prompt_text"`
	GeneratedText       *string  `json:"generated_text"`
	TokenCount          *int     `json:"token_count"`
	TimeToFirstToken    *float64 `json:"time_to_first_token"`
	TimePerOutputToken  *float64 `json:"time_per_output_token"`
	TotalGenerationTime *float64 `json:"total_generation_time"`
	Timestamp           string   `json:"timestamp"`
}

func isResults(s shape) bool { return s.kind == kindObject && s.has("benchmarking_results") }

func readResults(_ File, s shape) (Doc, error) {
	rows, err := Results(s.data)
	return Doc{Results: rows}, err
}

// Results reads {"benchmarking_results": […]}.
func Results(data []byte) ([]domain.Result, error) {
	var file struct {
		Rows []resultRow `json:"benchmarking_results"`
	}
	if err := strict(data, &file); err != nil {
		return nil, err
	}
	if file.Rows == nil {
		return nil, fmt.Errorf("benchmarking_results is missing")
	}
	out := make([]domain.Result, 0, len(file.Rows))
	for i := range file.Rows {
		r, err := file.Rows[i].result()
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (r resultRow) result() (domain.Result, error) {
	at, err := parseTime(r.Timestamp)
	switch {
	case err != nil:
		return domain.Result{}, fmt.Errorf("timestamp is not ISO 8601")
	case r.RequestID == "" || len(r.RequestID) > 512:
		return domain.Result{}, fmt.Errorf("request_id is missing or longer than 512 bytes")
	case r.TokenCount != nil && *r.TokenCount < 0:
		return domain.Result{}, fmt.Errorf("token_count is negative")
	}
	for name, v := range map[string]*float64{"time_to_first_token": r.TimeToFirstToken, "time_per_output_token": r.TimePerOutputToken, "total_generation_time": r.TotalGenerationTime} {
		if v != nil && (*v < 0 || *v > 1e12) {
			return domain.Result{}, fmt.Errorf("%s is out of range", name)
		}
	}
	return domain.Result{RequestID: r.RequestID, PromptText: r.PromptText, GeneratedText: r.GeneratedText, TokenCount: r.TokenCount,
		TimeToFirstToken: r.TimeToFirstToken, TimePerOutputToken: r.TimePerOutputToken, TotalGenerationTime: r.TotalGenerationTime,
		Timestamp: at}, nil
}

// parseTime reads the forms of ISO 8601 that such files have; a naive time is UTC.
func parseTime(text string) (time.Time, error) {
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02"} {
		var t time.Time
		if t, err = time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}

func isResultsCSV(s shape) bool {
	return s.kind == kindCSV && s.has("request_id", "token_count", "time_to_first_token", "timestamp")
}

func readResultsCSV(_ File, s shape) (Doc, error) {
	var doc Doc
	err := ReadResultsTable(bytes.NewReader(s.data), 1000, func(rows []domain.Result) error {
		doc.Results = append(doc.Results, rows...)
		return nil
	})
	return doc, err
}

// csvResult reads one line of a table of results; an empty cell is a missing value.
func csvResult(get func(string) string) (domain.Result, error) {
	r := resultRow{RequestID: unguard(get("request_id")), Timestamp: get("timestamp")}
	for name, p := range map[string]**string{"prompt_text": &r.PromptText, "generated_text": &r.GeneratedText} {
		if text := get(name); text != "" {
			*p = new(unguard(text))
		}
	}
	for name, p := range map[string]**float64{"time_to_first_token": &r.TimeToFirstToken, "time_per_output_token": &r.TimePerOutputToken, "total_generation_time": &r.TotalGenerationTime} {
		text := strings.TrimSpace(get(name))
		if text == "" {
			continue
		}
		if *p = cell(text); *p == nil {
			return domain.Result{}, fmt.Errorf("%s is not a number", name)
		}
	}
	if text := strings.TrimSpace(get("token_count")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return domain.Result{}, fmt.Errorf("token_count is not a whole number")
		}
		r.TokenCount = &n
	}
	return r.result()
}

// guard makes a text harmless to a spreadsheet, which would take one that begins so for a formula.
func guard(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r'", rune(text[0])) {
		return "'" + text
	}
	return text
}

// unguard takes the mark of guard off again.
func unguard(text string) string {
	if len(text) > 1 && text[0] == '\'' && strings.ContainsRune("=+-@\t\r'", rune(text[1])) {
		return text[1:]
	}
	return text
}

// IsResultsTable reports whether a file begins as a table of results.
func IsResultsTable(head []byte) bool {
	first, _, _ := strings.Cut(string(head), "\n")
	row, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(first, "\ufeff"))).Read()
	return err == nil && isResultsCSV(shape{kind: kindCSV, keys: keysOf(row)})
}

// ReadResultsTable hands out the results of a table in groups, so that one of any size can be read.
func ReadResultsTable(r io.Reader, atOnce int, take func([]domain.Result) error) error {
	in := csv.NewReader(r)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	header, err := in.Read()
	if err != nil {
		return bad("The table cannot be read.")
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))] = i
	}
	group := make([]domain.Result, 0, atOnce)
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			if len(group) == 0 {
				return nil
			}
			return take(group)
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			return bad(fmt.Sprintf("Line %d of the table cannot be read.", broken.Line))
		} else if err != nil {
			return err
		}
		line, _ := in.FieldPos(0)
		res, err := csvResult(func(name string) string {
			if i, ok := columns[name]; ok && i < len(row) {
				return strings.Clone(row[i])
			}
			return ""
		})
		if err != nil {
			return bad(fmt.Sprintf("Line %d of the table: %v.", line, err))
		}
		if group = append(group, res); len(group) == atOnce {
			if err := take(group); err != nil {
				return err
			}
			group = group[:0]
		}
	}
}
