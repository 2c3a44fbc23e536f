//go:build linux

package main

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

// splitLead is how long before its deadline the first half of a cut event is sent.
const splitLead = 200_000 // ns

const words = "the river runs over old stones and we walk along its bank until a small boat comes by with two men who sing of rain snow wind sun sea land home bread wine fire"

// stream is one answer under way.
type stream struct {
	c     *conn // nil when the client has gone
	set   *settings
	rec   *record
	due   int64 // the next write
	token int64 // deadline of the next token
	n     int   // tokens in all
	fails string
	at    int // the token before which it fails or stalls
	stall bool
	role  bool // the role chunk is still to be sent
	begun bool // the header is out
	slot  bool
	half  []byte // the rest of a cut event
	sent  int    // tokens in events that are out
	event int
	usage bool
	rng   *rand.Rand
	words []string
	open  string // of an event, up to its delta
	kind  string // content, or text of a plain completion
	shut  string // of an event, from the end of its text
	blank string // two line ends
}

// prompt is what the server reads of a request.
type prompt struct {
	Model         string          `json:"model"`
	Stream        bool            `json:"stream"`
	MaxTokens     int             `json:"max_tokens"`
	MaxCompletion int             `json:"max_completion_tokens"`
	Prompt        json.RawMessage `json:"prompt"`
	Messages      json.RawMessage `json:"messages"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// complete begins an answer. at is when the request had been read.
func (s *server) complete(c *conn, path string, body []byte, at int64) {
	var p prompt
	if err := json.Unmarshal(body, &p); err != nil || !p.Stream {
		s.reply(c, http.StatusBadRequest, 0, "application/json", []byte(`{"error":{"message":"JSON with \"stream\": true is needed","type":"invalid_request_error"}}`))
		return
	}
	set, id := s.set, len(s.log)
	st := &stream{c: c, set: set, n: set.Tokens, rng: rand.New(rand.NewPCG(set.Seed, uint64(id))), words: strings.Fields(words)}
	if most := max(p.MaxTokens, p.MaxCompletion); set.HonorMax && most > 0 {
		st.n = most
	}
	st.rec = &record{ID: id, Path: path, Recv: at, MaxTokens: max(p.MaxTokens, p.MaxCompletion), Outcome: "open",
		Prompt: len(strings.Fields(string(p.Prompt))) + len(strings.Fields(string(p.Messages))), Sends: make([]int64, 0, st.n)}
	s.log = append(s.log, st.rec)
	if share(id, set.ErrRate) {
		st.rec.Outcome = "http_error"
		s.reply(c, set.ErrStatus, set.RetryAfterS, "application/json", []byte(`{"error":{"message":"planned error","type":"server_error"}}`))
		return
	}
	st.usage = set.Usage == "always" || set.Usage == "auto" && p.StreamOptions.IncludeUsage
	st.plan(id)
	st.dress(path == "/v1/chat/completions", p.Model)
	c.st = st
	if set.Slots > 0 && s.active >= set.Slots {
		s.queued = append(s.queued, st)
		return
	}
	s.begin(st, at)
}

// dress fixes what all events of a stream have in common.
func (st *stream) dress(chat bool, model string) {
	st.blank = "\n\n"
	if st.set.CRLF {
		st.blank = "\r\n\r\n"
	}
	head := `{"id":"cmpl-` + strconv.Itoa(st.rec.ID) + `","created":1,"model":` + strconv.Quote(model)
	st.open, st.kind = head+`,"object":"text_completion","choices":[{"index":0,"`, "text"
	st.shut = `","finish_reason":null}]}` + st.blank
	if chat {
		st.open, st.kind = head+`,"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"`, "content"
		st.shut = `"},"finish_reason":null}]}` + st.blank
		st.role = st.set.RoleChunk != "none"
	}
}

// plan chooses what goes wrong with a stream.
func (st *stream) plan(id int) {
	switch {
	case share(id, st.set.MidErrRate):
		st.fails = "mid_error"
	case share(id, st.set.DropRate):
		st.fails = "drop"
	}
	st.stall = share(id, st.set.StallRate)
	if st.at = st.set.StallAt; st.at == 0 {
		st.at = st.n / 2
	}
}

// begin gives a stream its slot at a time, from which its first token is due.
func (s *server) begin(st *stream, at int64) {
	s.active++
	s.peak = max(s.peak, s.active)
	st.slot = true
	st.rec.PlanTTFT = st.set.spread(st.set.TTFTMs, st.rng)
	st.token = at + st.rec.PlanTTFT
	if st.role && st.set.RoleChunk == "start" {
		st.role = false
		s.write(st.c, st.frame(nil, append(append(st.head(nil, "role"), "assistant"...), st.shut...)))
	}
	st.next()
	heap.Push(&s.due, st)
}

// next sets the deadline of the next write.
func (st *stream) next() {
	if st.stall && st.sent >= st.at {
		st.token += int64(st.set.StallMs * 1e6)
		st.stall, st.rec.StalledAt = false, st.sent
	}
	st.due = st.token
	if st.set.SplitWrite {
		st.due -= splitLead
	}
}

// step makes the write that is due; false when the stream has ended.
func (s *server) step(st *stream) bool {
	c := st.c
	if st.half != nil { // its clock reading is the one that counts, for it makes the event whole
		s.clock = now()
		st.stamp(s.clock)
		s.write(c, st.half)
		st.half = nil
		return s.sentUp(st)
	}
	if st.fails != "" && st.sent >= st.at {
		s.fail(st)
		return false
	}
	s.payload = st.events(s.payload[:0])
	s.buf = st.frame(s.buf[:0], s.payload)
	if st.sent == st.n {
		s.buf = append(s.buf, "0\r\n\r\n"...)
	}
	if st.set.SplitWrite {
		cut := len(s.buf) / 2
		st.half = append([]byte(nil), s.buf[cut:]...)
		s.write(c, s.buf[:cut])
		st.due = st.token
		return true
	}
	s.clock = now()
	st.stamp(s.clock)
	s.write(c, s.buf)
	return s.sentUp(st)
}

// sentUp goes on after a write that is out; false when it was the last one.
func (s *server) sentUp(st *stream) bool {
	if st.sent == st.n {
		s.end(st, "ok")
		return false
	}
	for range st.set.Coalesce * st.set.EventsPerWrite {
		st.token += st.set.spread(st.set.ITLMs, st.rng)
	}
	st.next()
	return true
}

// stamp logs that the tokens of the event under way go out now.
func (st *stream) stamp(at int64) {
	r := st.rec
	if r.Tokens == 0 {
		r.First = at
	}
	r.Last, r.Late = at, max(r.Late, at-st.token)
	for ; r.Tokens < st.sent; r.Tokens++ {
		r.Sends = append(r.Sends, at-r.Recv)
	}
}

// events appends the events of one write, with what ends the stream after the last of them.
func (st *stream) events(b []byte) []byte {
	if st.role {
		st.role = false
		b = append(append(st.head(b, "role"), "assistant"...), st.shut...)
	}
	for i := 0; i < st.set.EventsPerWrite && st.sent < st.n; i++ {
		kind := st.kind
		if kind == "content" && st.sent < st.set.Reasoning {
			kind = "reasoning_content"
		}
		b = st.head(b, kind)
		for range min(st.set.Coalesce, st.n-st.sent) {
			b = append(append(b, ' '), st.words[(st.rec.ID+st.sent)%len(st.words)]...)
			st.sent++
		}
		b = append(b, st.shut...)
	}
	if st.sent < st.n {
		return b
	}
	last := `text":"",`
	if st.kind == "content" {
		last = `content":""},`
	}
	b = st.data(b, st.open+last+`"finish_reason":"length"}]}`)
	if st.usage {
		head, _, _ := strings.Cut(st.open, `"choices"`)
		b = st.data(b, head+`"choices":[],"usage":`+st.usageJSON()+"}")
	}
	return st.data(b, "[DONE]")
}

func (st *stream) usageJSON() string {
	out := st.n + st.set.UsageDelta
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, st.rec.Prompt, out, st.rec.Prompt+out)
}

// head appends an event up to the text of its field, which needs no escapes.
func (st *stream) head(b []byte, field string) []byte {
	if n := st.set.Ping; n > 0 && st.event%n == 0 {
		b = append(append(b, ": ping"...), st.blank...)
	}
	st.event++
	b = append(append(append(b, "data: "...), st.open...), field...)
	return append(b, `":"`...)
}

func (st *stream) data(b []byte, json string) []byte {
	return append(append(append(b, "data: "...), json...), st.blank...)
}

// frame appends one HTTP chunk, and the header before the first one.
func (st *stream) frame(b, payload []byte) []byte {
	if !st.begun {
		st.begun = true
		b = append(b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"...)
	}
	b = append(strconv.AppendInt(b, int64(len(payload)), 16), "\r\n"...)
	return append(append(b, payload...), "\r\n"...)
}

// fail ends a stream in the planned way.
func (s *server) fail(st *stream) {
	c := st.c
	if st.fails == "mid_error" {
		s.buf = st.frame(s.buf[:0], st.data(nil, `{"error":{"message":"planned error","type":"server_error","code":500}}`))
		s.write(c, append(s.buf, "0\r\n\r\n"...))
		s.end(st, st.fails)
		return
	}
	s.end(st, st.fails)
	s.drop(c, true)
}

// end closes the books of a stream. It leaves the queue as it is, whose head may be the stream.
func (s *server) end(st *stream, outcome string) {
	c := st.c
	st.c, c.st = nil, nil
	st.rec.Outcome = outcome
	if st.slot {
		s.active--
	}
}

// admit lets waiting streams have the slots that are free.
func (s *server) admit() {
	for len(s.queued) > 0 && s.active < s.queued[0].set.Slots {
		st := s.queued[0]
		s.queued = s.queued[1:]
		if st.c != nil {
			s.begin(st, now())
		}
	}
}
