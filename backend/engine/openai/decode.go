package openai

import (
	"encoding/json"
	"fmt"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/remote"
)

// serverError is an error that the server reported in its stream.
type serverError struct{ msg string }

// Error implements error.
func (e *serverError) Error() string { return e.msg }

// streamEvent is the part of an event that matters. Fields of llama-server stand beside OpenAI's.
type streamEvent struct {
	Choices []struct {
		Delta struct {
			Content          *string `json:"content"`
			ReasoningContent *string `json:"reasoning_content"` // llama-server, SGLang, DeepSeek
			Reasoning        *string `json:"reasoning"`         // vLLM, OpenRouter, Ollama
		} `json:"delta"`
		Text         *string `json:"text"` // of /completions
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
	Usage   *usageFields    `json:"usage"`
	Timings *LlamaTimings   `json:"timings"`
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"`
}

type usageFields struct {
	PromptTokens     *int `json:"prompt_tokens"`
	CompletionTokens *int `json:"completion_tokens"`
	Details          *struct {
		CachedTokens *int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// LlamaTimings are what llama-server tells of a generation, in both of its dialects.
type LlamaTimings struct {
	CacheN      *int    `json:"cache_n"` // not told by older builds
	PromptN     int     `json:"prompt_n"`
	PromptMs    float64 `json:"prompt_ms"`
	PredictedN  int     `json:"predicted_n"`
	PredictedMs float64 `json:"predicted_ms"`
	DraftN      int     `json:"draft_n"`
	Accepted    int     `json:"draft_n_accepted"`
}

// decoder turns events into chunks and usage.
type decoder struct {
	use  *domain.Usage
	sink func(domain.Chunk)
	// Tokens of a chunk are known only where usage came with every content chunk so far.
	counted  int
	contents int
	withUse  int
}

// event handles one event that is not "[DONE]".
func (d *decoder) event(ev engine.Event) error {
	p, err := readPart(ev)
	if err != nil {
		return err
	}
	d.count(p.usage, p.timings)
	sent := d.content(ev, p, domain.ChunkReasoning, p.reasoning)
	sent = d.content(ev, p, domain.ChunkText, p.text) || sent
	if p.finish != "" {
		d.use.FinishReason = p.finish
	}
	if !sent {
		d.sink(domain.Chunk{At: ev.At, Kind: domain.ChunkOther})
	}
	if d.use.FinishReason == "error" {
		return &serverError{msg: "the engine ended the answer with an error"}
	}
	return nil
}

// readPart reads what an event says, or the error that it carries.
func readPart(ev engine.Event) (part, error) {
	if ev.Name != "error" {
		if p, ok := quickPart(ev.Data); ok {
			return p, nil
		}
	}
	return fullPart(ev)
}

// fullPart reads events of every shape.
func fullPart(ev engine.Event) (part, error) {
	var m streamEvent
	if err := json.Unmarshal(ev.Data, &m); err != nil {
		if ev.Name == "error" {
			return part{}, &serverError{msg: string(ev.Data)}
		}
		return part{}, fmt.Errorf("decode event: %w", err)
	}
	if ev.Name == "error" || m.Object == "error" || (len(m.Error) > 0 && string(m.Error) != "null") {
		return part{}, &serverError{msg: remote.Message(ev.Data)}
	}
	p := part{usage: m.Usage, timings: m.Timings}
	if len(m.Choices) > 0 {
		c := m.Choices[0]
		p.reasoning = first(c.Delta.ReasoningContent, c.Delta.Reasoning)
		p.text = first(c.Delta.Content, c.Text)
		p.finish = first(c.FinishReason)
	}
	return p, nil
}

// content hands on text, if there is any.
func (d *decoder) content(ev engine.Event, p part, kind domain.ChunkKind, text string) bool {
	if text == "" {
		return false
	}
	c := domain.Chunk{At: ev.At, Kind: kind, Text: text}
	d.contents++
	if p.usage != nil && p.usage.CompletionTokens != nil {
		d.withUse++
		if d.withUse == d.contents {
			c.Tokens = max(0, *p.usage.CompletionTokens-d.counted)
		}
		d.counted = *p.usage.CompletionTokens
	}
	d.sink(c)
	return true
}

// count keeps the latest usage and timings; later events are cumulative.
func (d *decoder) count(u *usageFields, t *LlamaTimings) {
	if u != nil {
		keep(&d.use.PromptTokens, u.PromptTokens)
		keep(&d.use.OutputTokens, u.CompletionTokens)
		if u.Details != nil {
			keep(&d.use.CachedTokens, u.Details.CachedTokens)
		}
	}
	if t != nil {
		t.Fill(d.use)
	}
}

// Fill takes the timings over into use.
func (t *LlamaTimings) Fill(use *domain.Usage) {
	use.Server = &domain.ServerTimings{
		PromptTokens: t.PromptN, PromptMs: t.PromptMs,
		PredictedTokens: t.PredictedN, PredictedMs: t.PredictedMs,
		DraftTokens: t.DraftN, DraftAccepted: t.Accepted,
	}
	if t.CacheN != nil {
		use.Server.CachedTokens = *t.CacheN
		keep(&use.CachedTokens, t.CacheN)
	}
}

// keep overwrites to when the server gave a value that can be one.
func keep(to **int, value *int) {
	if value != nil && *value >= 0 {
		*to = value
	}
}

// first returns the first text that is not empty.
func first(texts ...*string) string {
	for _, t := range texts {
		if t != nil && *t != "" {
			return *t
		}
	}
	return ""
}
