package openai

import (
	"testing"

	"github.com/inferometer/inferometer/backend/engine"
)

// Chunks as servers send them.
const (
	chunkLlama  = `{"choices":[{"finish_reason":null,"index":0,"delta":{"content":" the"}}],"created":1763836800,"id":"chatcmpl-0123456789abcdefghijklmnopqrstuv","model":"tiny","system_fingerprint":"b6963-0123456","object":"chat.completion.chunk"}`
	chunkVLLM   = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763836800,"model":"m","choices":[{"index":0,"delta":{"content":"\n\"a\\b\"\t/\/"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`
	chunkOllama = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"hm"},"finish_reason":null}]}`
	chunkText   = `{"id":"cmpl-1", "object": "text_completion", "created": 0, "model": "m", "choices": [{"index": 0, "text": "déjà vu 🙂", "logprobs": null, "finish_reason": "length", "stop_reason": null}], "usage": null}`
	chunkBoth   = `{"choices":[{"delta":{"reasoning":"b","reasoning_content":"a","content":""},"text":"t"}]}`
)

func TestQuickPartKnowsTheCommonShapes(t *testing.T) {
	for chunk, want := range map[string]part{
		chunkLlama: {text: " the"}, chunkVLLM: {text: "\n\"a\\b\"\t//"}, chunkOllama: {reasoning: "hm"},
		chunkText: {text: "déjà vu 🙂", finish: "length"}, chunkBoth: {reasoning: "a", text: "t"},
	} {
		if got, ok := quickPart([]byte(chunk)); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", chunk, got, ok, want)
		}
	}
}

// What the quick reader does not know by heart is left to the general one.
func TestQuickPartLeavesTheRest(t *testing.T) {
	for _, chunk := range []string{
		``, `null`, `[]`, `{`, `{"choices":[]}`, `{"choices":null}`, `{"choices":[{}]} x`, `{"choices":[{}],}`, `{"choices":[{},{}]}`,
		`{"error":{"message":"no"}}`, `{"object":"error"}`, `{"usage":{"completion_tokens":1}}`, `{"timings":{}}`,
		`{"Choices":[{"delta":{"content":"a"}}]}`, `{"choices":[{"delta":{"Content":"a"}}]}`, `{"choices":[{"delta":null}]}`,
		`{"choices":[{"delta":{"content":"\u0041"}}]}`, `{"choices":[{"delta":{"content":"a","content":null}}]}`,
		`{"choices":[{"delta":{"content":1}}]}`, "{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}", "{\"id\":\"\n\"}", `{"created":01}`,
		`{"created":1.5}`, `{"id":nul}`, `{"choices":[{"delta":{"content":"a`, `{"choices":[{"delta":{"content":"a\`,
		`{"choices":[{"delta":{"content":"a\x"}}]}`, `{"choices":[{"delta":{"tool_calls":[]}}]}`,
	} {
		if got, ok := quickPart([]byte(chunk)); ok {
			t.Errorf("%s was read as %+v", chunk, got)
		}
	}
}

// Whatever the quick reader accepts, the general one reads alike.
func FuzzQuickPart(f *testing.F) {
	for _, chunk := range []string{chunkLlama, chunkVLLM, chunkOllama, chunkText, chunkBoth, `{}`,
		`{"choices":[{"delta":{}}],"id":null}`, `{"object":"error"}`, `{"error":null,"usage":null}`} {
		f.Add([]byte(chunk))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := quickPart(data)
		if !ok {
			return
		}
		want, err := fullPart(engine.Event{Data: data})
		if err != nil || got != want {
			t.Errorf("%q: quick %+v, full %+v %v", data, got, want, err)
		}
	})
}
