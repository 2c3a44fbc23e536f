package llama

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/openai"
	"github.com/inferometer/inferometer/backend/engine/remote"
	"github.com/inferometer/inferometer/backend/engine/scan"
	"github.com/inferometer/inferometer/backend/engine/wire"
)

// completeBody carries every sampling value explicitly: the server's defaults must not decide a run.
type completeBody struct {
	Model       string  `json:"model,omitempty"` // counts only for a server of several models
	Prompt      string  `json:"prompt"`
	Predict     int     `json:"n_predict"`
	Temperature float64 `json:"temperature"`
	TopP        float64 `json:"top_p"`
	Seed        int64   `json:"seed"`
	Stream      bool    `json:"stream"`
	CachePrompt bool    `json:"cache_prompt"`
	IgnoreEOS   bool    `json:"ignore_eos"`
	Slot        int     `json:"id_slot"` // -1: any that is free
}

// complete sends a raw prompt. The end mark is the event that says stop.
func (f *face) complete(ctx context.Context, r domain.GenRequest, sink func(domain.Chunk)) (domain.Usage, error) {
	body, err := json.Marshal(completeBody{Model: r.Model, Prompt: r.Prompt, Predict: r.MaxTokens, Temperature: r.Temperature,
		TopP: r.TopP, Seed: r.Seed, Stream: true, CachePrompt: r.CachePrompt, IgnoreEOS: r.ExactLength, Slot: -1})
	if err != nil {
		return remote.Unwritable(err)
	}
	return f.native.Generate(ctx, "/completion", "text/event-stream", body, r.Prompt, func(s *remote.Stream, use *domain.Usage) error {
		return f.read(s, r.Prompt, use, sink)
	})
}

// read reads events until the end mark, the end of the body or an error.
func (f *face) read(stream *remote.Stream, private string, use *domain.Usage, sink func(domain.Chunk)) error {
	events := engine.NewSSEReader(stream)
	counted := 0
	for !use.Complete {
		ev, err := events.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return wire.Failure(err)
		}
		stream.Progress(ev.At)
		if use.FirstByte.IsZero() {
			use.FirstByte = ev.At
		}
		p, err := readPart(ev)
		if err != nil || p.failed {
			use.Closed = ev.At
			return f.native.StreamError(remote.Message(ev.Data), private, err)
		}
		c := domain.Chunk{At: ev.At}
		if p.text != "" {
			c.Kind, c.Text = domain.ChunkText, p.text
			// The running count also holds tokens whose text waits for the rest of a character.
			c.Tokens = max(0, p.predicted-counted)
			counted = max(counted, p.predicted)
		}
		sink(c)
		if p.last != nil {
			use.Closed = ev.At
			p.last.finish(use)
		}
	}
	return nil
}

// part is what one event says.
type part struct {
	text      string
	predicted int // tokens so far; 0 where the build does not say
	last      *lastEvent
	failed    bool // it reports an error
}

// lastEvent is the end mark with the server's figures.
type lastEvent struct {
	Stop         bool                 `json:"stop"`
	StopType     string               `json:"stop_type"`     // eos, limit, word
	StoppedLimit bool                 `json:"stopped_limit"` // of builds before b4300, in place of stop_type
	Evaluated    *int                 `json:"tokens_evaluated"`
	Predicted    *int                 `json:"tokens_predicted"`
	Timings      *openai.LlamaTimings `json:"timings"`
}

// readPart reads one event.
func readPart(ev engine.Event) (part, error) {
	if ev.Name == "error" {
		return part{failed: true}, nil
	}
	if p, ok := quickPart(ev.Data); ok {
		return p, nil
	}
	return fullPart(ev.Data)
}

// quickPart reads an event with a token, in the order of fields that the server writes.
func quickPart(data []byte) (part, bool) {
	var p part
	s := scan.Of(data)
	s.Literal(`{"index":`)
	s.Int()
	s.Literal(`,"content":`)
	p.text = s.Text()
	s.Literal(`,"tokens":[],"stop":false,"id_slot":`)
	s.Maybe("-")
	s.Int()
	s.Literal(`,"tokens_predicted":`)
	p.predicted = s.Int()
	s.Literal(`,"tokens_evaluated":`)
	s.Int()
	s.Literal("}")
	return p, s.End()
}

// fullPart reads events of every shape.
func fullPart(data []byte) (part, error) {
	var m struct {
		Content string          `json:"content"`
		Error   json.RawMessage `json:"error"`
		lastEvent
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return part{}, fmt.Errorf("decode event: %w", err)
	}
	p := part{text: m.Content, failed: len(m.Error) > 0 && string(m.Error) != "null"}
	if m.Predicted != nil {
		p.predicted = *m.Predicted
	}
	if m.Stop {
		p.last = &m.lastEvent
	}
	return p, nil
}

// finish takes over what the end mark says.
func (l *lastEvent) finish(use *domain.Usage) {
	use.Complete, use.FinishReason = true, "stop"
	if l.StopType == "limit" || l.StoppedLimit {
		use.FinishReason = "length"
	}
	use.PromptTokens, use.OutputTokens = l.Evaluated, l.Predicted
	if l.Timings != nil {
		l.Timings.Fill(use)
	}
}
