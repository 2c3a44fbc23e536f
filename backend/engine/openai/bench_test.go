package openai

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
