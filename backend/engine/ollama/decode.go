package ollama

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/scan"
)

// line is what one line of a stream says. Counts are nil where the server left them out; it does so
// for zero.
type line struct {
	thinking, text string
	done           bool
	reason         string
	failed         string // the error it reports
	promptTokens   *int
	outputTokens   *int
	promptNs       int64
	outputNs       int64
	loadNs         int64
	totalNs        int64
}

// readLine reads one line of /api/chat or /api/generate.
func readLine(data []byte) (line, error) {
	if l, ok := quickLine(data); ok {
		return l, nil
	}
	return fullLine(data)
}

// quickLine reads a line with a token, in the order of fields that the server writes.
func quickLine(data []byte) (line, bool) {
	var l line
	s := scan.Of(data)
	s.Literal(`{"model":`)
	s.Skip()
	s.Literal(`,"created_at":`)
	s.Skip()
	if s.Maybe(`,"message":{"role":"assistant","content":`) {
		l.text = s.Text()
		if s.Maybe(`,"thinking":`) {
			l.thinking = s.Text()
		}
		s.Literal(`}`)
	} else {
		s.Literal(`,"response":`)
		l.text = s.Text()
		if s.Maybe(`,"thinking":`) {
			l.thinking = s.Text()
		}
	}
	s.Literal(`,"done":false}`)
	return l, s.End()
}

// fullLine reads lines of every shape.
func fullLine(data []byte) (line, error) {
	var m struct {
		Message *struct {
			Content  string `json:"content"`
			Thinking string `json:"thinking"`
		} `json:"message"`
		Response        string          `json:"response"`
		Thinking        string          `json:"thinking"`
		Done            bool            `json:"done"`
		DoneReason      string          `json:"done_reason"`
		Error           json.RawMessage `json:"error"`
		PromptEvalCount *int            `json:"prompt_eval_count"`
		EvalCount       *int            `json:"eval_count"`
		PromptEvalNs    int64           `json:"prompt_eval_duration"`
		EvalNs          int64           `json:"eval_duration"`
		LoadNs          int64           `json:"load_duration"`
		TotalNs         int64           `json:"total_duration"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return line{}, fmt.Errorf("decode line: %w", err)
	}
	l := line{thinking: m.Thinking, text: m.Response, done: m.Done, reason: m.DoneReason,
		promptTokens: m.PromptEvalCount, outputTokens: m.EvalCount,
		promptNs: m.PromptEvalNs, outputNs: m.EvalNs, loadNs: m.LoadNs, totalNs: m.TotalNs}
	if m.Message != nil {
		l.thinking, l.text = m.Message.Thinking, m.Message.Content
	}
	if len(m.Error) > 0 && string(m.Error) != "null" {
		if l.failed = errorText(m.Error); l.failed == "" {
			l.failed = "the engine reported an error"
		}
	}
	return l, nil
}

// errorText finds the words of an error, which is a text or, behind gateways, an object.
func errorText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &inner) == nil {
		return inner.Message
	}
	return ""
}

// hand gives the content of a line to sink, one chunk for each channel; a line without content is
// a chunk of kind other.
func (l line) hand(at time.Time, sink func(domain.Chunk)) {
	if l.thinking != "" {
		sink(domain.Chunk{At: at, Kind: domain.ChunkReasoning, Text: l.thinking})
	}
	if l.text != "" {
		sink(domain.Chunk{At: at, Kind: domain.ChunkText, Text: l.text})
	}
	if l.thinking == "" && l.text == "" {
		sink(domain.Chunk{At: at, Kind: domain.ChunkOther})
	}
}

// finish takes over what the last line says. The server counts the prompt with its cached tokens
// and does not say how many they were.
func (l line) finish(use *domain.Usage) {
	use.Complete = true
	use.FinishReason = l.reason
	if use.FinishReason == "" { // servers before 0.1.30
		use.FinishReason = "stop"
	}
	use.PromptTokens, use.OutputTokens = l.promptTokens, l.outputTokens
	if l.totalNs == 0 && l.outputNs == 0 && l.promptNs == 0 {
		return
	}
	use.Server = &domain.ServerTimings{PromptMs: millis(l.promptNs), PredictedMs: millis(l.outputNs),
		LoadMs: millis(l.loadNs), TotalMs: millis(l.totalNs)}
	if l.promptTokens != nil {
		use.Server.PromptTokens = *l.promptTokens
	}
	if l.outputTokens != nil {
		use.Server.PredictedTokens = *l.outputTokens
	}
}

func millis(ns int64) float64 { return float64(ns) / 1e6 }
