package runner

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/workload"
)

func TestRecordFromStamps(t *testing.T) {
	origin := time.Now()
	at := func(ms int) time.Time { return origin.Add(time.Duration(ms) * time.Millisecond) }
	tp := newTape(3, domain.PhaseMeasure, 8)
	tp.begun = at(9)
	tp.add(domain.Chunk{At: at(60), Kind: domain.ChunkOther}) // the role
	tp.add(domain.Chunk{At: at(110), Kind: domain.ChunkReasoning, Text: "hm "})
	tp.add(domain.Chunk{At: at(150), Kind: domain.ChunkText, Text: "a b", Tokens: 2})
	tp.add(domain.Chunk{At: at(210), Kind: domain.ChunkText, Text: " c"})
	tp.add(domain.Chunk{At: at(215), Kind: domain.ChunkOther}) // usage
	e := ended{
		tape: tp, planned: "Hi", sent: "x Hi", outcome: domain.OutcomeOK,
		usage: domain.Usage{Sent: at(10), Closed: at(220), FinishReason: "stop",
			Server: &domain.ServerTimings{PromptTokens: 20, CachedTokens: 4, PredictedTokens: 5}},
	}
	r := e.record(origin, true)
	if *r.FirstByteUs != 50_000 || *r.TTFTUs != 100_000 || *r.TTFVUs != 140_000 || *r.LastUs != 200_000 || *r.ClosedUs != 210_000 {
		t.Errorf("stamps = %+v", r)
	}
	if r.TokensFrom != "server" || *r.OutputTokens != 5 || *r.PromptTokens != 24 || *r.CachedTokens != 4 || *r.TPOTUs != 25_000 {
		t.Errorf("counts = %+v", r)
	}
	if *r.Output != "hm a b c" || *r.Prompt != "x Hi" || r.SentUs != 10_000 || r.N != 3 {
		t.Errorf("record = %+v", r)
	}
	if !slices.Equal(r.ChunkKinds, []domain.ChunkKind{domain.ChunkReasoning, domain.ChunkText, domain.ChunkText}) || len(r.ChunkUs) != 3 {
		t.Errorf("chunks = %v %v", r.ChunkUs, r.ChunkKinds)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(r.RequestID) {
		t.Errorf("id = %s", r.RequestID)
	}
	if e.usage.Server = nil; *e.record(origin, true).OutputTokens != 4 {
		t.Error("an engine's own count of a chunk must be used")
	}
}

func TestRecordOfARequestThatNeverWentOut(t *testing.T) {
	origin := time.Now()
	tp := newTape(0, domain.PhaseMeasure, 8)
	tp.begun = origin.Add(time.Second)
	r := ended{tape: tp, outcome: domain.OutcomeError, usage: domain.Usage{Closed: origin.Add(2 * time.Second)}}.record(origin, false)
	if r.SentUs != 1_000_000 || *r.ClosedUs != 1_000_000 || r.TTFTUs != nil || r.LastUs != nil || r.FirstByteUs != nil || r.TPOTUs != nil {
		t.Errorf("record = %+v", r)
	}
}

func TestJudge(t *testing.T) {
	ended := func(cause error) context.Context {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(cause)
		return ctx
	}
	byContext := &engine.RequestError{Class: domain.ErrClassCanceled, Err: context.Canceled}
	begun := domain.Usage{FirstByte: time.Now()}
	cases := []struct {
		name    string
		ctx     context.Context
		usage   domain.Usage
		err     error
		outcome domain.Outcome
		class   domain.ErrorClass
	}{
		{"ok", t.Context(), domain.Usage{Complete: true}, nil, domain.OutcomeOK, ""},
		{"finished as the run was stopped", ended(nil), domain.Usage{Complete: true}, nil, domain.OutcomeOK, ""},
		{"an error after the end mark", t.Context(), domain.Usage{Complete: true}, errors.New("x"), domain.OutcomeError, domain.ErrClassConnect},
		{"no end mark", t.Context(), begun, nil, domain.OutcomeIncomplete, domain.ErrClassCut},
		{"canceled", ended(nil), begun, byContext, domain.OutcomeCanceled, domain.ErrClassCanceled},
		{"canceled, bare error", ended(nil), begun, fmt.Errorf("read: %w", context.Canceled), domain.OutcomeCanceled, domain.ErrClassCanceled},
		{"cut off", ended(errDrained), begun, byContext, domain.OutcomeIncomplete, domain.ErrClassCanceled},
		{"engine died beside it", ended(&engineDiedError{errors.New("x")}), begun, byContext, domain.OutcomeError, domain.ErrClassEngine},
		{"storage failed", ended(fmt.Errorf("%w: full", errStorage)), begun, byContext, domain.OutcomeCanceled, domain.ErrClassCanceled},
		{"own failure while stopping", ended(nil), begun, &engine.RequestError{Class: domain.ErrClassHTTP, Msg: "500"}, domain.OutcomeError, domain.ErrClassHTTP},
		{"timeout", t.Context(), begun, context.DeadlineExceeded, domain.OutcomeError, domain.ErrClassTimeout},
		{"refused", t.Context(), domain.Usage{}, errors.New("refused"), domain.OutcomeError, domain.ErrClassConnect},
		{"broken stream", t.Context(), begun, errors.New("reset"), domain.OutcomeError, domain.ErrClassBroken},
	}
	for _, c := range cases {
		outcome, class, message := judge(c.ctx, c.usage, c.err)
		if outcome != c.outcome || class != c.class || (message == "") != (outcome == domain.OutcomeOK) {
			t.Errorf("%s: %s, %q, %q", c.name, outcome, class, message)
		}
	}
}

// TestFullQueue holds the recorder's promise: a full queue drops samples and keeps requests.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		ctx, abort := context.WithCancelCause(t.Context())
		defer abort(nil)
		r, err := newRun(b.job(), abort)
		if err != nil {
			t.Fatal(err)
		}
		for range queueSize + 7 {
			r.rec.sample(domain.Sample{})
		}
		sent := make(chan struct{})
		go func() {
			r.rec.request(ended{tape: newTape(0, domain.PhaseMeasure, 1), outcome: domain.OutcomeOK})
			close(sent)
		}()
		synctest.Wait()
		time.Sleep(3 * time.Second) // virtual: the store hangs
		go r.rec.run()
		<-sent
		if err := r.rec.close(); err != nil || ctx.Err() != nil {
			t.Fatal(err)
		}
		if r.rec.dropped.Load() != 7 || len(b.tray.samples) != queueSize || len(b.tray.requests) != 1 {
			t.Errorf("dropped %d, %d samples, %d requests", r.rec.dropped.Load(), len(b.tray.samples), len(b.tray.requests))
		}
		if late := time.Duration(r.rec.late.Load()); late != 3*time.Second {
			t.Errorf("lateness = %s", late)
		}
	})
}

// TestReadingBesideWriting is for the race detector: the recorder reads a tape that grows.
func TestReadingBesideWriting(t *testing.T) {
	const n = 20 * moreMarks
	tp := newTape(0, domain.PhaseMeasure, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			tp.add(domain.Chunk{At: time.Now(), Kind: domain.ChunkText, Text: string(rune('a' + i%26))})
		}
	}()
	tokens, text := 0, ""
	var gaps []float64
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		var fresh int
		fresh, gaps = tp.advance(gaps)
		tokens += fresh
		text += tp.newText()
	}
	if tokens != n || len(text) != n || len(gaps) != n-1 || tp.tokens() != n {
		t.Errorf("%d tokens, %d letters, %d gaps of %d", tokens, len(text), len(gaps), n)
	}
	for i := range text {
		if text[i] != byte('a'+i%26) {
			t.Fatalf("letter %d is %c", i, text[i])
		}
	}
}

type brokenSource struct{ workload.Source }

func (brokenSource) Prompt(int) (domain.Prompt, error) { return domain.Prompt{}, errors.New("gone") }

func TestBrokenSourceAndPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.source = brokenSource{b.source}
		wantStatus(t, b.run(t.Context()), domain.StatusFailed)
		if len(b.engine.calls) != 0 || b.engine.closed != 1 {
			t.Errorf("%d calls, closed %d times", len(b.engine.calls), b.engine.closed)
		}
		b = newBench()
		b.plan.Stages = []domain.PlanStage{{Load: domain.Load{Kind: "unknown"}}}
		res := b.run(t.Context())
		wantStatus(t, res, domain.StatusFailed)
		if domain.KindOf(res.Err) != domain.KindInvalid || b.engine.closed != 1 {
			t.Errorf("err = %v, closed %d", res.Err, b.engine.closed)
		}
	})
}
