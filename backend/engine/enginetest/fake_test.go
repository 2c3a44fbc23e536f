package enginetest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
)

func TestScriptedPassesSuite(t *testing.T) {
	enginetest.Suite(t, enginetest.Subject{
		New: func(*testing.T) engine.Engine {
			return enginetest.New(enginetest.Script{TTFT: time.Millisecond, Gap: time.Millisecond})
		},
		Spec: domain.EngineSpec{Slots: 8}, Good: "m",
	})
}

func TestScriptedTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New(enginetest.Script{Load: time.Minute, TTFT: 200 * time.Millisecond, Gap: 30 * time.Millisecond, Reasoning: 2})
		begun := time.Now()
		if _, err := e.Prepare(t.Context(), domain.EngineSpec{}); err != nil || time.Since(begun) != time.Minute {
			t.Fatalf("Prepare: %v after %v", err, time.Since(begun))
		}
		g := enginetest.Generate(t.Context(), e, enginetest.Request("m", 5))
		enginetest.CheckGood(t, g, 5)
		for i, c := range g.Content() {
			if want := 200*time.Millisecond + time.Duration(i)*30*time.Millisecond; c.At.Sub(g.Usage.Sent) != want {
				t.Errorf("chunk %d after %v, want %v", i, c.At.Sub(g.Usage.Sent), want)
			}
		}
		if got := g.Text(domain.ChunkReasoning); got != "w0 w1 " {
			t.Errorf("reasoning = %q", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 215*time.Millisecond)
		defer cancel()
		g = enginetest.Generate(ctx, e, enginetest.Request("m", 50))
		enginetest.CheckFailed(t, g, domain.ErrClassCanceled)
		if len(g.Content()) != 1 {
			t.Errorf("%d chunks before the cancel, want 1", len(g.Content()))
		}
	})
}

func TestScriptedFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New(enginetest.Script{TTFT: time.Second, Gap: time.Second, Fail: func(n int) *enginetest.Failure {
			if n != 1 {
				return nil
			}
			return &enginetest.Failure{After: 3, Err: &engine.RequestError{Class: domain.ErrClassStream, Msg: "broke"}}
		}})
		enginetest.CheckGood(t, enginetest.Generate(t.Context(), e, enginetest.Request("m", 5)), 5)
		g := enginetest.Generate(t.Context(), e, enginetest.Request("m", 5))
		enginetest.CheckFailed(t, g, domain.ErrClassStream)
		if len(g.Content()) != 3 || e.Generated() != 2 || e.Peak() != 1 {
			t.Errorf("chunks %d, generated %d, peak %d; want 3, 2, 1", len(g.Content()), e.Generated(), e.Peak())
		}
		e = enginetest.New(enginetest.Script{NoEnd: true})
		if g := enginetest.Generate(t.Context(), e, enginetest.Request("m", 2)); g.Err != nil || g.Usage.Complete {
			t.Errorf("no end: %v, complete %v", g.Err, g.Usage.Complete)
		}
	})
}
