package enginetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
)

// Subject is an adapter under test. What it cannot be made to do is left nil and is not tested.
type Subject struct {
	// New returns an engine that is not prepared; it gives TTFT and Gap of a few milliseconds.
	New  func(t *testing.T) engine.Engine
	Spec domain.EngineSpec
	// Model names for GenRequest.Model: a good answer, one that fails with a status, one that
	// reports an error in mid-stream, one that ends without its end mark. Empty: cannot.
	Good, Status, MidError, NoEnd string
}

// cancelWithin is how soon Generate must return after its ctx ended.
const cancelWithin = 2 * time.Second

// Suite is the behaviour that every adapter must show.
func Suite(t *testing.T, s Subject) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject, engine.Engine)
	}{
		{"Stream", testStream}, {"Raw", testRaw}, {"Conversation", testConversation}, {"Cancel", testCancel}, {"CanceledBefore", testCanceledBefore},
		{"Concurrent", testConcurrent}, {"Failures", testFailures}, {"PrepareTwice", testPrepareTwice}, {"Models", testModels},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := s.New(t)
			t.Cleanup(func() {
				for range 2 { // Close is idempotent
					if err := e.Close(context.Background()); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
			})
			if _, err := e.Prepare(t.Context(), s.Spec); err != nil {
				t.Fatalf("Prepare: %v", err)
			}
			c.test(t, s, e)
		})
	}
	t.Run("CloseUnprepared", func(t *testing.T) {
		if err := s.New(t).Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// Got is what one generation gave.
type Got struct {
	Chunks []domain.Chunk
	Usage  domain.Usage
	Err    error
}

// Content returns the chunks that carry text.
func (g Got) Content() []domain.Chunk {
	var out []domain.Chunk
	for _, c := range g.Chunks {
		if c.Kind != domain.ChunkOther {
			out = append(out, c)
		}
	}
	return out
}

// Text returns the text of the chunks of one kind.
func (g Got) Text(kind domain.ChunkKind) string {
	var b strings.Builder
	for _, c := range g.Chunks {
		if c.Kind == kind {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// Generate runs one generation and keeps what came.
func Generate(ctx context.Context, e engine.Engine, r domain.GenRequest) Got {
	var g Got
	g.Usage, g.Err = e.Generate(ctx, r, func(c domain.Chunk) { g.Chunks = append(g.Chunks, c) })
	return g
}

// Request is a generation of n tokens from the named model.
func Request(model string, n int) domain.GenRequest {
	return domain.GenRequest{Model: model, Prompt: "Tell me a story of the sea.", MaxTokens: n,
		Temperature: 0, TopP: 1, Seed: 7, ExactLength: true}
}

// CheckGood fails the test unless a generation is a success with n tokens and sound stamps.
func CheckGood(t *testing.T, g Got, n int) {
	t.Helper()
	if g.Err != nil {
		t.Fatalf("Generate: %v", g.Err)
	}
	u := g.Usage
	if !u.Complete || u.FinishReason != "length" {
		t.Errorf("complete = %v, finish reason = %q, want true, length", u.Complete, u.FinishReason)
	}
	if u.OutputTokens == nil || *u.OutputTokens != n {
		t.Errorf("output tokens = %v, want %d", u.OutputTokens, n)
	}
	if u.PromptTokens == nil || *u.PromptTokens < 1 {
		t.Errorf("prompt tokens = %v", u.PromptTokens)
	}
	if len(g.Content()) == 0 {
		t.Error("no content")
	}
	CheckStamps(t, g)
}

// CheckStamps fails the test when time runs backwards.
func CheckStamps(t *testing.T, g Got) {
	t.Helper()
	last := g.Usage.Sent
	if last.IsZero() || g.Usage.Closed.IsZero() {
		t.Fatalf("sent = %v, closed = %v", g.Usage.Sent, g.Usage.Closed)
	}
	if len(g.Chunks) > 0 && (g.Usage.FirstByte.Before(last) || g.Usage.FirstByte.After(g.Chunks[0].At)) {
		t.Errorf("first byte is not between sent and the first chunk")
	}
	for i, c := range g.Chunks {
		if c.At.Before(last) {
			t.Errorf("chunk %d came before the one before it", i)
		}
		last = c.At
	}
	if g.Usage.Closed.Before(last) {
		t.Errorf("closed before the last chunk")
	}
}

// CheckFailed fails the test unless a generation failed with the class.
func CheckFailed(t *testing.T, g Got, class domain.ErrorClass) *engine.RequestError {
	t.Helper()
	var failed *engine.RequestError
	if !errors.As(g.Err, &failed) {
		t.Fatalf("error = %v, want a RequestError", g.Err)
	}
	if failed.Class != class {
		t.Errorf("class = %s (%v), want %s", failed.Class, failed, class)
	}
	if g.Usage.Complete {
		t.Error("a failed generation is complete")
	}
	if strings.Contains(failed.Error(), "story of the sea") {
		t.Errorf("the error repeats the prompt: %v", failed)
	}
	if g.Usage.Sent.IsZero() || g.Usage.Closed.IsZero() {
		t.Error("sent or closed is missing")
	}
	return failed
}

func testStream(t *testing.T, s Subject, e engine.Engine) {
	CheckGood(t, Generate(t.Context(), e, Request(s.Good, 16)), 16)
}

func testRaw(t *testing.T, s Subject, e engine.Engine) {
	r := Request(s.Good, 8)
	r.Raw = true
	CheckGood(t, Generate(t.Context(), e, r), 8)
}

func testConversation(t *testing.T, s Subject, e engine.Engine) {
	r := Request(s.Good, 8)
	r.History = []domain.Message{{Role: "system", Content: "You tell stories."}, {Role: "user", Content: "Hello."}, {Role: "assistant", Content: "Ahoy!"}}
	CheckGood(t, Generate(t.Context(), e, r), 8)
}

func testCancel(t *testing.T, s Subject, e engine.Engine) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at time.Time
	var g Got
	g.Usage, g.Err = e.Generate(ctx, Request(s.Good, 2000), func(c domain.Chunk) {
		g.Chunks = append(g.Chunks, c)
		if at.IsZero() && c.Kind != domain.ChunkOther {
			at = time.Now()
			cancel()
		}
	})
	if d := time.Since(at); d > cancelWithin {
		t.Errorf("Generate returned %v after the cancel", d)
	}
	CheckFailed(t, g, domain.ErrClassCanceled)
	CheckStamps(t, g)
	CheckGood(t, Generate(t.Context(), e, Request(s.Good, 4)), 4) // it still works
}

func testCanceledBefore(t *testing.T, s Subject, e engine.Engine) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	CheckFailed(t, Generate(ctx, e, Request(s.Good, 4)), domain.ErrClassCanceled)
}

func testConcurrent(t *testing.T, s Subject, e engine.Engine) {
	got := make([]Got, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = Generate(t.Context(), e, Request(s.Good, 8+i)) })
	}
	all.Wait()
	for i, g := range got {
		CheckGood(t, g, 8+i)
	}
}

func testFailures(t *testing.T, s Subject, e engine.Engine) {
	if s.Status != "" {
		g := Generate(t.Context(), e, Request(s.Status, 8))
		if failed := CheckFailed(t, g, domain.ErrClassHTTP); failed.Status < 400 || g.Usage.HTTPStatus != failed.Status {
			t.Errorf("status = %d, in usage %d", failed.Status, g.Usage.HTTPStatus)
		}
	}
	if s.MidError != "" {
		g := Generate(t.Context(), e, Request(s.MidError, 8))
		CheckFailed(t, g, domain.ErrClassStream)
		CheckStamps(t, g)
	}
	if s.NoEnd != "" {
		if g := Generate(t.Context(), e, Request(s.NoEnd, 8)); g.Err != nil || g.Usage.Complete {
			t.Errorf("without an end mark: error = %v, complete = %v, want nil, false", g.Err, g.Usage.Complete)
		}
	}
}

func testPrepareTwice(t *testing.T, s Subject, e engine.Engine) {
	a, err := e.Prepare(t.Context(), s.Spec)
	if err != nil {
		t.Fatalf("second Prepare: %v", err)
	}
	b, err := e.Prepare(t.Context(), s.Spec)
	if err != nil {
		t.Fatalf("third Prepare: %v", err)
	}
	if a.PID != b.PID || a.Kind != b.Kind || a.Kind == "" {
		t.Errorf("Prepare again gave %+v, before %+v", b, a)
	}
}

func testModels(t *testing.T, _ Subject, e engine.Engine) {
	list, err := e.Models(t.Context())
	if err != nil {
		t.Fatalf("Models: %v", err)
	}
	for _, m := range list {
		if m.ID == "" {
			t.Errorf("a model without id: %+v", m)
		}
	}
}
