package openai_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/engine/openai"
)

// What a raw server does beside writing bytes.
const (
	doReset = "\x00reset" // break the connection hard
	doWait  = "\x00wait"  // stay silent for loris
	doHang  = "\x00hang"  // stay silent until the client goes
)

const (
	loris     = 100 * time.Millisecond
	sseHead   = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	chunkHead = sseHead + "Transfer-Encoding: chunked\r\n\r\n"
	closeHead = sseHead + "Connection: close\r\n\r\n"
	done      = "data: [DONE]\n\n"
)

// rawServer answers the generation of model k with shape k, byte for byte.
type rawServer struct {
	base string
	open atomic.Int64
}

func newRawServer(t *testing.T, shapes []shape) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{base: "http://" + l.Addr().String() + "/v1"}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.open.Add(1)
			all.Go(func() {
				defer s.open.Add(-1)
				defer c.Close()
				answerRaw(c, shapes)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return s
}

// answerRaw serves one connection until a shape ends it.
func answerRaw(c net.Conn, shapes []shape) {
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		var k int
		if _, err := fmt.Sscanf(string(body), `{"model":"%d"`, &k); err != nil {
			return
		}
		for _, piece := range shapes[k].raw {
			switch piece {
			case doReset:
				if tcp, ok := c.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0)
				}
				return
			case doHang:
				_, _ = r.ReadByte()
				return
			case doWait:
				<-time.After(loris)
			default:
				if _, err := io.WriteString(c, piece); err != nil {
					return
				}
				if len(piece) > 1 {
					<-time.After(time.Millisecond) // so that it is read by itself
				}
			}
		}
		if strings.HasPrefix(shapes[k].raw[0], closeHead) || strings.HasPrefix(shapes[k].raw[0], "HTTP/1.0") {
			return
		}
	}
}

func event(data string) string { return "data: " + data + "\n\n" }
func token(text string) string {
	return event(`{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":null}]}`)
}
func field(name, text string) string {
	return event(fmt.Sprintf(`{"choices":[{"index":0,"delta":{%q:%q},"finish_reason":null}]}`, name, text))
}
func finish(reason string) string {
	return event(`{"choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`)
}
func usage(n int) string {
	return event(fmt.Sprintf(`{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":%d}}`, n))
}

// chunked puts the framing of HTTP around each piece, and the head before and the end after them.
func chunked(pieces ...string) []string {
	out := []string{chunkHead}
	for _, p := range pieces {
		if !strings.HasPrefix(p, "\x00") {
			p = fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
		}
		out = append(out, p)
	}
	return append(out, "0\r\n\r\n")
}

// bare is a body that ends with its connection.
func bare(pieces ...string) []string { return append([]string{closeHead}, pieces...) }

// cut lets every byte come by itself.
func cut(text string) []string {
	out := []string{closeHead}
	for i := range len(text) {
		out = append(out, text[i:i+1])
	}
	return out
}

func zipped(text string) []string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return []string{sseHead + "Content-Encoding: gzip\r\nContent-Length: " + fmt.Sprint(b.Len()) + "\r\n\r\n", b.String()}
}

func withLength(kind, status, text string) []string {
	return []string{fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(text), text)}
}

// shape is a stream with what it must be taken for. No class and not complete is an answer that
// ended without its end mark.
type shape struct {
	name     string
	raw      []string
	class    domain.ErrorClass
	complete bool
	text     string
	thought  string
	chunks   int // of content; TTFT exists when there is one
	tokens   int // by usage, -1 where none came
	finish   string
}

func shapes() []shape {
	ab := token("a") + token("b")
	good := ab + finish("length") + usage(2) + done
	is := func(name string, raw []string) shape {
		return shape{name: name, raw: raw, complete: true, text: "ab", chunks: 2, tokens: 2, finish: "length"}
	}
	fails := func(name string, class domain.ErrorClass, text string, raw []string) shape {
		return shape{name: name, raw: raw, class: class, text: text, chunks: len(text), tokens: -1}
	}
	reset := func(s shape, tokens int, finish string) shape { s.tokens, s.finish = tokens, finish; return s }
	return []shape{
		is("plain", chunked(token("a"), token("b"), finish("length"), usage(2), done)),
		is("role first", chunked(field("role", "assistant"), good)),
		is("empty and null deltas", chunked(field("content", ""), event(`{"choices":[{"delta":{"content":null}}]}`), token("a"), field("content", ""), token("b"), finish("length"), usage(2), done)),
		is("CRLF", chunked(strings.ReplaceAll(good, "\n", "\r\n"))),
		is("CR", chunked(strings.ReplaceAll(good, "\n", "\r"))),
		is("comments", chunked(": ping\n\n", token("a"), ":\n\n: x\n", good[len(token("a")):])),
		is("byte order mark", chunked("\xef\xbb\xbf"+good)),
		is("every byte by itself", cut(good)),
		is("all in one write", []string{chunkHead + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(good), good)}),
		{name: "four tokens an event", raw: chunked(token("abcd"), token("efgh"), finish("length"), usage(8), done), complete: true, text: "abcdefgh", chunks: 2, tokens: 8, finish: "length"},
		{name: "reasoning_content", raw: chunked(field("reasoning_content", "h"), good), complete: true, text: "ab", thought: "h", chunks: 3, tokens: 2, finish: "length"},
		{name: "reasoning", raw: chunked(field("reasoning", "h"), good), complete: true, text: "ab", thought: "h", chunks: 3, tokens: 2, finish: "length"},
		{name: "reasoning only", raw: chunked(field("reasoning", "h"), finish("length"), usage(1), done), complete: true, thought: "h", chunks: 1, tokens: 1, finish: "length"},
		{name: "usage never", raw: chunked(ab, finish("stop"), done), complete: true, text: "ab", chunks: 2, tokens: -1, finish: "stop"},
		{name: "usage null", raw: chunked(ab, event(`{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":null}`), done), complete: true, text: "ab", chunks: 2, tokens: -1, finish: "stop"},
		{name: "usage lies", raw: chunked(ab, finish("length"), usage(128), done), complete: true, text: "ab", chunks: 2, tokens: 128, finish: "length"},
		{name: "usage is negative", raw: chunked(ab, finish("length"), usage(-1), done), complete: true, text: "ab", chunks: 2, tokens: -1, finish: "length"},
		is("usage in every event", chunked(event(`{"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":1}}`), event(`{"choices":[{"delta":{"content":"b"},"finish_reason":"length"}],"usage":{"completion_tokens":2}}`), done)),
		is("usage twice", chunked(ab, finish("length"), usage(1), usage(2), done)),
		is("finish without DONE", chunked(ab, finish("length"), usage(2))),
		{name: "DONE without finish", raw: chunked(ab, usage(2), done), complete: true, text: "ab", chunks: 2, tokens: 2},
		{name: "neither", raw: chunked(ab), text: "ab", chunks: 2, tokens: -1},
		{name: "nothing at all", raw: chunked(), tokens: -1},
		fails("error object", domain.ErrClassStream, "a", chunked(token("a"), event(`{"error":{"message":"out of memory","code":500}}`), done)),
		fails("error text", domain.ErrClassStream, "a", chunked(token("a"), event(`{"error":"out of memory"}`))),
		fails("error by its object", domain.ErrClassStream, "a", chunked(token("a"), event(`{"object":"error","message":"out of memory","code":500}`), done)),
		fails("event: error", domain.ErrClassStream, "a", chunked(token("a"), "event: error\ndata: out of memory\n\n", done)),
		fails("error: line", domain.ErrClassStream, "a", chunked(token("a"), "error: {\"message\":\"out of memory\"}\n\n")),
		reset(fails("finished by an error", domain.ErrClassStream, "a", chunked(token("a"), finish("error"), done)), -1, "error"),
		fails("no JSON", domain.ErrClassStream, "a", chunked(token("a"), event(`{"choices":[{"delta":`))),
		fails("not UTF-8 in an event that cannot be read", domain.ErrClassStream, "a", chunked(token("a"), event("\xff\xfe"))),
		{name: "not UTF-8", raw: chunked(token("a\xff"), finish("length"), usage(1), done), complete: true, text: "a\ufffd", chunks: 1, tokens: 1, finish: "length"},
		fails("an error with status 200", domain.ErrClassStream, "", withLength("application/json", "200 OK", `{"error":{"message":"out of memory"}}`)),
		fails("one answer", domain.ErrClassStream, "", withLength("application/json; charset=utf-8", "200 OK", `{"choices":[{"message":{"content":"ab"}}]}`)),
		fails("HTTP 500", domain.ErrClassHTTP, "", withLength("text/plain", "500 Oh", "no")),
		fails("HTTP 429", domain.ErrClassLimited, "", withLength("application/json", "429 Slow", `{"error":{"message":"slow"}}`)),
		fails("HTTP 503", domain.ErrClassOverload, "", withLength("application/json", "503 Busy", `{"error":{"message":"busy"}}`)),
		is("gzip", zipped(good)),
		fails("broken gzip", domain.ErrClassStream, "", []string{sseHead + "Content-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" + good[:30]}),
		fails("unknown packing", domain.ErrClassStream, "", []string{sseHead + "Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc"}),
		is("slow, under the limit", chunked(token("a"), doWait, token("b"), doWait, finish("length")+usage(2)+done)),
		fails("silent, over the limit", domain.ErrClassTimeout, "a", chunked(token("a"), doHang)),
		fails("comments for ever", domain.ErrClassTimeout, "a", chunked(append([]string{token("a")}, slices.Repeat([]string{":\n\n", doWait}, 40)...)...)),
		fails("no answer", domain.ErrClassTimeout, "", []string{doHang}),
		fails("reset before the head", domain.ErrClassConnect, "", []string{doReset}),
		fails("reset in the head", domain.ErrClassConnect, "", []string{"HTTP/1.1 200 OK\r\nContent-", doReset}),
		fails("no HTTP", domain.ErrClassHTTP, "", []string{"220 mail.example ESMTP\r\n\r\n"}),
		fails("reset in the stream", domain.ErrClassBroken, "a", chunked(token("a"), doReset)),
		reset(fails("reset after the finish", domain.ErrClassBroken, "ab", chunked(ab, finish("length"), doReset)), -1, "length"),
		is("reset after DONE", chunked(good, doReset)),
		fails("end within a chunk", domain.ErrClassBroken, "", []string{closeHead[:len(sseHead)] + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + "ff\r\n" + token("a")[:10], doReset}),
		fails("chunks that lie", domain.ErrClassStream, "", []string{chunkHead + "1\r\n" + good}),
		{name: "huge event", raw: chunked(token(strings.Repeat("x", 1<<20)), finish("length"), usage(1), done), complete: true, text: strings.Repeat("x", 1<<20), chunks: 1, tokens: 1, finish: "length"},
		fails("event without end", domain.ErrClassStream, "", chunked("data: "+strings.Repeat("x", 5<<20))),
		is("garbage after DONE", chunked(good, "data: {\"oops\n\n\x01")),
		is("trailers", append(chunked(good)[:2], "0\r\nX-Time: 1\r\n\r\n")),
		is("content length", []string{fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", sseHead, len(good), good)}),
		is("until the connection closes", bare(good)),
		is("HTTP/1.0", []string{"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", good}),
		is("100 Continue", append([]string{"HTTP/1.1 100 Continue\r\n\r\n"}, chunked(good)...)),
		{name: "tool calls only", raw: chunked(event(`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}`), finish("tool_calls"), usage(5), done), complete: true, tokens: 5, finish: "tool_calls"},
		is("two choices", chunked(event(`{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"z"}}]}`), token("b"), finish("length"), usage(2), done)),
		is("no space after the colon", chunked(strings.ReplaceAll(good, "data: ", "data:"))),
		is("no blank line at the end", chunked(strings.TrimSuffix(good, "\n\n"))),
		is("data over several lines", chunked(strings.Replace(good, `,"object"`, ",\ndata: \"object\"", 1))),
	}
}

// TestShapes: every stream is taken for what it is, over two engines, and leaves nothing behind.
func TestShapes(t *testing.T) {
	list := shapes()
	s := newRawServer(t, list)
	before := runtime.NumGoroutine()
	patient, hasty := newEngine(t, openai.Options{BaseURL: s.base}), newEngine(t, openai.Options{BaseURL: s.base, Timeout: 3 * loris})
	for round := range 2 { // the second time over kept connections
		for k, want := range list {
			e := patient
			if want.class == domain.ErrClassTimeout || strings.HasPrefix(want.name, "slow") {
				e = hasty
			}
			got := enginetest.Generate(t.Context(), e, enginetest.Request(fmt.Sprint(k), 2))
			t.Run(fmt.Sprintf("%s %d", want.name, round), func(t *testing.T) { checkShape(t, want, got) })
		}
	}
	for _, e := range []*openai.Engine{patient, hasty} {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); s.open.Load() > 0 || runtime.NumGoroutine() > before; {
		if time.Now().After(end) {
			t.Fatalf("%d connections and %d goroutines are left, %d goroutines were before", s.open.Load(), runtime.NumGoroutine(), before)
		}
		<-time.After(time.Millisecond)
	}
}

func checkShape(t *testing.T, want shape, got enginetest.Got) {
	t.Helper()
	switch {
	case want.class != "":
		failed := enginetest.CheckFailed(t, got, want.class)
		if strings.Contains(want.name, "error") && want.name != "finished by an error" && !strings.Contains(failed.Error(), "out of memory") {
			t.Errorf("error = %q, want the server's words", failed)
		}
	case got.Err != nil:
		t.Fatalf("Generate: %v", got.Err)
	}
	u := got.Usage
	if u.Complete != want.complete || u.FinishReason != want.finish {
		t.Errorf("complete = %v, finish = %q, want %v, %q", u.Complete, u.FinishReason, want.complete, want.finish)
	}
	if text, thought := got.Text(domain.ChunkText), got.Text(domain.ChunkReasoning); text != want.text || thought != want.thought {
		t.Errorf("text = %.60q, reasoning = %q, want %.60q, %q", text, thought, want.text, want.thought)
	}
	if n := len(got.Content()); n != want.chunks {
		t.Errorf("%d chunks of content, want %d", n, want.chunks)
	}
	tokens := -1
	if u.OutputTokens != nil {
		tokens = *u.OutputTokens
	}
	if tokens != want.tokens {
		t.Errorf("output tokens = %d, want %d", tokens, want.tokens)
	}
	enginetest.CheckStamps(t, got)
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var list []shape
	for _, answer := range []string{
		"429 Slow\r\nRetry-After: 7", "503 Busy\r\nretry-after: 0", "429 Slow\r\nRetry-After: " + time.Now().Add(time.Hour).UTC().Format(http.TimeFormat),
		"503 Busy\r\nRetry-After: " + time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), "429 Slow\r\nRetry-After: soon", "429 Slow", "500 Oh\r\nRetry-After: 7",
	} {
		list = append(list, shape{raw: []string{"HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n"}})
	}
	e := newEngine(t, openai.Options{BaseURL: newRawServer(t, list).base})
	for k, want := range []string{"7", "0", "3600", "0", "none", "none", "none"} {
		u := enginetest.Generate(t.Context(), e, enginetest.Request(fmt.Sprint(k), 1)).Usage
		got := "none"
		if u.RetryAfterS != nil {
			got = fmt.Sprintf("%.0f", *u.RetryAfterS)
			if *u.RetryAfterS > 3590 && *u.RetryAfterS <= 3600 {
				got = "3600"
			}
		}
		if got != want || u.HTTPStatus < 429 {
			t.Errorf("%d: status %d, retry after %s, want %s", k, u.HTTPStatus, got, want)
		}
	}
}
