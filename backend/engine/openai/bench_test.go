package openai

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// BenchmarkStream decodes events as llama-server sends them; one iteration is one event.
func BenchmarkStream(b *testing.B) {
	var body bytes.Buffer
	const events = 1000
	for i := range events {
		fmt.Fprintf(&body, `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" word%d"}}],`+
			`"created":1763836800,"id":"chatcmpl-0123456789abcdefghijklmnopqrstuv","model":"tiny",`+
			`"system_fingerprint":"b6963-0123456","object":"chat.completion.chunk"}`+"\n\n", i)
	}
	b.ReportAllocs()
	b.SetBytes(int64(body.Len() / events))
	for n := 0; n < b.N; {
		s := engine.NewSSEReader(bytes.NewReader(body.Bytes()))
		d := decoder{use: &domain.Usage{}, sink: func(domain.Chunk) {}}
		for ; ; n++ {
			ev, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if err := d.event(ev); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkStreams reads so many streams at once from a server in the same process; one iteration
// is one token of each of them, the server's work included.
func BenchmarkStreams(b *testing.B) {
	for _, streams := range []int{1, 64, 256} {
		b.Run(strconv.Itoa(streams), func(b *testing.B) {
			const prompt = 16
			e, err := New(Options{BaseURL: tokenServer(b, b.N)})
			if err != nil {
				b.Fatal(err)
			}
			e.Open(b.Context(), streams)
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for range streams {
				all.Go(func() {
					n := 0
					use, err := e.Generate(b.Context(), domain.GenRequest{Prompt: strings.Repeat("word ", prompt), MaxTokens: b.N},
						func(domain.Chunk) { n++ })
					if err != nil || !use.Complete || n != b.N+1 {
						b.Errorf("%d chunks, %+v, %v", n, use, err)
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N*streams)/b.Elapsed().Seconds(), "tokens/s")
			if err := e.Close(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}

// tokenServer answers each request with n tokens, one a write, as fast as they are taken.
func tokenServer(b *testing.B, n int) string {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		flush := http.NewResponseController(w)
		for range n {
			_, _ = io.WriteString(w, "data: "+chunkLlama+"\n\n")
			_ = flush.Flush()
		}
		_, _ = io.WriteString(w, `data: {"choices":[{"delta":{},"finish_reason":"length"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	b.Cleanup(s.Close)
	return s.URL + "/v1"
}

// FuzzStream: no stream, whatever it holds, brings the decoder down or to figures that cannot be.
func FuzzStream(f *testing.F) {
	for _, s := range []string{"data: " + chunkLlama + "\n\ndata: [DONE]\n\n", "event: error\ndata: x\n\n", "error: {}\n\n",
		`data: {"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":-4}}` + "\n\n",
		`data: {"choices":[{"delta":{"content":"a","reasoning":"b"}}],"usage":{"completion_tokens":9}}` + "\n\n",
		`data: {"usage":{"completion_tokens":1e3},"timings":{"draft_n":7}}` + "\n\n", "data: {\"error\":[]}\n\n", "data: null\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var use domain.Usage
		s := engine.NewSSEReader(bytes.NewReader(in))
		text := 0
		d := decoder{use: &use, sink: func(c domain.Chunk) {
			text += len(c.Text)
			if c.Tokens < 0 || (c.Kind == domain.ChunkOther) != (c.Text == "") || c.At.IsZero() {
				t.Errorf("chunk %+v", c)
			}
		}}
		for {
			ev, err := s.Next()
			if err != nil || d.event(ev) != nil {
				break
			}
		}
		for _, n := range []*int{use.PromptTokens, use.OutputTokens, use.CachedTokens} {
			if n != nil && *n < 0 {
				t.Errorf("%d tokens", *n)
			}
		}
		if text > 3*len(in) { // a byte that is no UTF-8 becomes three
			t.Errorf("%d bytes of text out of %d", text, len(in))
		}
	})
}
