package service_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/engine/enginetest"
	"github.com/inferometer/inferometer/backend/quality"
)

// right answers every task of both packs as it should be.
func right(r domain.GenRequest) string {
	for _, language := range []string{quality.English, quality.Portuguese} {
		tasks, _ := quality.Tasks(language)
		for _, t := range tasks {
			if t.Prompt == r.Prompt {
				if t.Show != "" {
					return "Azul e profundo"
				}
				return t.Want[0]
			}
		}
	}
	return "?"
}

func (w *world) quality(r domain.QualityRequest) domain.Quality {
	w.t.Helper()
	q, err := w.svc.StartQuality(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("start quality: %v", err)
	}
	return q
}

// assessed waits for a measurement of quality.
func (w *world) assessed(id string) domain.QualityDetail {
	w.t.Helper()
	for range 100_000 {
		d, err := w.svc.Quality(w.t.Context(), id)
		if err != nil {
			w.t.Fatalf("read quality: %v", err)
		}
		if d.Status.Ended() {
			return d
		}
		pass(100 * time.Millisecond)
	}
	w.t.Fatal("the measurement never ended")
	return domain.QualityDetail{}
}

func tasksOf(model string) domain.QualityRequest {
	return domain.QualityRequest{Kind: domain.QualityTasks, ModelID: model}
}

func TestTasksAreAskedAndGraded(t *testing.T) {
	in(t, options{script: enginetest.Script{Say: right, TTFT: 50 * time.Millisecond, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		events := w.hub.Subscribe(t.Context(), "")
		q := w.quality(tasksOf("Tiny"))
		if q.Status != domain.StatusQueued || q.ModelID != "tiny" || q.Language != "en" || !strings.HasPrefix(q.Pack, "tasks-en-") || q.Summary != nil {
			t.Errorf("queued: %+v", q)
		}
		d := w.assessed(q.ID)
		s := d.Summary.Tasks
		if d.Status != domain.StatusCompleted || s.Right != 40 || s.Asked != 40 || s.Verdict != "scored" || len(d.Answers) != 40 || d.EngineBuild != "scripted" || d.ModelSHA256 != "feed" {
			t.Errorf("ended: %+v %+v", d.Quality, s)
		}
		if a := d.Answers[0]; !a.Right || a.Answer != "83" || a.Expected != "83" || a.TotalMs <= 0 || a.Finish != "stop" {
			t.Errorf("the first answer: %+v", a)
		}
		if w.engine.Closed() != 1 || w.engine.Spec().Slots != 1 {
			t.Errorf("the engine was closed %d times, spec %+v", w.engine.Closed(), w.engine.Spec())
		}
		seen := map[domain.Status]bool{}
		for len(events) > 0 {
			if e := <-events; e.Kind == domain.EventQuality {
				x := e.Data.(domain.Quality)
				seen[x.Status] = true
			}
		}
		if !seen[domain.StatusQueued] || !seen[domain.StatusRunning] || !seen[domain.StatusCompleted] {
			t.Errorf("events told of %v", seen)
		}
		list, err := w.svc.Qualities(t.Context(), domain.QualityFilter{Model: "tiny"})
		if err != nil || len(list) != 1 || list[0].Summary.Tasks.Right != 40 {
			t.Errorf("list: %+v, %v", list, err)
		}
	})
}

// A model that is still thinking when its tokens run out gets room for it, once it was seen to think.
func TestAThinkingModelGetsRoom(t *testing.T) {
	var mu sync.Mutex
	var asked []int
	think := func(r domain.GenRequest) string {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.MaxTokens)
		return "<think>" + strings.Repeat("hm ", 600) + "</think> " + right(r)
	}
	in(t, options{script: enginetest.Script{Say: think, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		d := w.assessed(w.quality(tasksOf("tiny")).ID)
		if s := d.Summary.Tasks; s.Right != 40 || s.Verdict != "scored" {
			t.Errorf("%+v %+v", s, d.Answers[0])
		}
		if len(asked) != 41 || asked[0] != quality.MostTokens || asked[1] != quality.MostThought || asked[40] != quality.MostThought {
			t.Errorf("asked for %v tokens", asked)
		}
	})
}

// A broken chat template is told as broken, however fast the answers come; an endless answer is cut.
func TestABrokenTemplateScoresAsBroken(t *testing.T) {
	loop := func(domain.GenRequest) string { return strings.Repeat("<|im_start|>user I am happy to help. ", 3000) }
	in(t, options{script: enginetest.Script{Say: loop, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		d := w.assessed(w.quality(tasksOf("tiny")).ID)
		if s := d.Summary.Tasks; s.Verdict != "broken" || s.Right != 0 || !slices.ContainsFunc(s.Broken, func(x domain.SignSeen) bool { return x.Code == "template_tokens" && x.Answers == 40 }) {
			t.Errorf("%+v", s)
		}
		if a := d.Answers[0]; a.Finish != "cut" || len(a.Answer) > 1300 {
			t.Errorf("an endless answer: %s, %d characters", a.Finish, len(a.Answer))
		}
	})
}

// Benchmarks go first, and no engine serves a measurement of quality beside one.
func TestQualityWaitsForBenchmarks(t *testing.T) {
	in(t, options{script: enginetest.Script{Say: right, TTFT: 50 * time.Millisecond, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		a := w.start(nil)
		q := w.quality(tasksOf("tiny"))
		b := w.start(nil)
		d := w.assessed(q.ID)
		for _, id := range []domain.RunID{a.ID, b.ID} {
			if r := w.stored(id); r.EndedAt == nil || d.StartedAt.Before(*r.EndedAt) {
				t.Errorf("quality began at %v, the benchmark ended at %v", d.StartedAt, r.EndedAt)
			}
		}
		if w.engine.Peak() != 1 {
			t.Errorf("%d requests at once", w.engine.Peak())
		}
		q = w.quality(tasksOf("tiny"))
		pass(200 * time.Millisecond)
		c := w.start(nil)
		if err := w.svc.RemoveModel(t.Context(), "tiny"); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("its model is removed meanwhile: %v", err)
		}
		if _, err := w.svc.CompactStorage(t.Context()); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("the disk is worked meanwhile: %v", err)
		}
		d = w.assessed(q.ID)
		if r := w.wait(c.ID); r.StartedAt.Before(*d.EndedAt) {
			t.Errorf("the benchmark began at %v, quality ended at %v", r.StartedAt, d.EndedAt)
		}
	})
}

func TestQualityIsCanceled(t *testing.T) {
	in(t, options{script: enginetest.Script{Say: right, Gap: time.Second}}, func(t *testing.T, w *world) {
		running, waiting := w.quality(tasksOf("tiny")), w.quality(tasksOf("tiny"))
		pass(5 * time.Second)
		d, err := w.svc.Quality(t.Context(), running.ID)
		if err != nil || d.Status != domain.StatusRunning || d.Progress == nil || *d.Progress.Total != 40 || d.Progress.Done == 0 {
			t.Errorf("running: %+v, %v", d.Quality, err)
		}
		if !w.sampler.busy() {
			t.Error("its readings count as those of an idle machine")
		}
		if err := w.svc.RemoveQuality(t.Context(), running.ID); domain.KindOf(err) != domain.KindConflict {
			t.Errorf("removed while it runs: %v", err)
		}
		for _, id := range []string{waiting.ID, running.ID} {
			if q, err := w.svc.CancelQuality(t.Context(), id); err != nil || q.Status != domain.StatusCanceled || q.EndedAt == nil {
				t.Errorf("canceled: %+v, %v", q, err)
			}
			if _, err := w.svc.CancelQuality(t.Context(), id); domain.KindOf(err) != domain.KindConflict {
				t.Errorf("canceled again: %v", err)
			}
		}
		d = w.assessed(running.ID)
		if d.Summary == nil || d.Summary.Tasks.Asked == 0 || d.Summary.Tasks.Asked != len(d.Answers) || d.Error != nil {
			t.Errorf("what was measured: %+v", d.Quality)
		}
		if w.sampler.busy() {
			t.Error("the sampler was not ended")
		}
		if err := w.svc.RemoveQuality(t.Context(), running.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.svc.Quality(t.Context(), running.ID); domain.KindOf(err) != domain.KindNotFound {
			t.Errorf("removed: %v", err)
		}
	})
}

// likely holds words for the likelier the longer they are; the model "large" is a little surer.
func likely(model, word string) (float64, []domain.TokenProb) {
	p := 0.2
	if model == "large" {
		p = 0.25
	}
	return math.Log(p), []domain.TokenProb{{ID: enginetest.TokenID(word), LogProb: math.Log(p)}, {ID: 50_001, LogProb: math.Log(0.1)}}
}

func TestPerplexityAndDivergenceAreMeasured(t *testing.T) {
	in(t, options{script: enginetest.Script{Likely: likely, Gap: time.Millisecond}}, func(t *testing.T, w *world) {
		d := w.assessed(w.quality(domain.QualityRequest{Kind: domain.QualityPerplexity, ModelID: "tiny", Language: ptr("pt-BR")}).ID)
		p := d.Summary.Perplexity
		if d.Status != domain.StatusCompleted || math.Abs(p.Value-5) > 1e-9 || p.Texts != 8 || len(d.Texts) != 8 || d.Texts[0].KL != nil || d.Summary.Divergence != nil {
			t.Errorf("perplexity: %+v %+v", d.Quality, p)
		}
		d = w.assessed(w.quality(domain.QualityRequest{Kind: domain.QualityDivergence, ModelID: "tiny", ReferenceModelID: ptr("large")}).ID)
		v := d.Summary.Divergence
		want := 0.25*math.Log(0.25/0.2) + 0.65*math.Log(0.65/0.7)
		if d.Status != domain.StatusCompleted || math.Abs(v.KL-want) > 1e-9 || v.SameTop != 100 || math.Abs(v.PerplexityRatio-1.25) > 1e-9 || d.ReferenceSHA256 != "sum of /models/large.gguf" {
			t.Errorf("divergence: %+v %+v, want KL %g", d.Quality, v, want)
		}
		if len(d.Texts) != 8 || d.Texts[0].KL == nil || w.engine.Closed() != 3 {
			t.Errorf("texts %+v, closed %d times", d.Texts, w.engine.Closed())
		}
	})
}

func TestQualityRefusesWhatCannotBe(t *testing.T) {
	in(t, options{}, func(t *testing.T, w *world) {
		e, err := w.svc.AddEndpoint(t.Context(), domain.EndpointInput{BaseURL: ptr("http://10.0.0.1:9/v1"), Kind: ptr("openai")})
		if err != nil {
			t.Fatal(err)
		}
		w.library.models[0].GGUF.TokenizerSHA256 = "a"
		w.library.models[2].GGUF = &domain.GGUFInfo{TokenizerSHA256: "b"}
		for name, c := range map[string]struct {
			r  domain.QualityRequest
			at string
		}{
			"a kind":           {domain.QualityRequest{Kind: "smell", ModelID: "tiny"}, "body.kind"},
			"a language":       {domain.QualityRequest{Kind: domain.QualityTasks, ModelID: "tiny", Language: ptr("de")}, "body.language"},
			"a model":          {tasksOf("none"), "body.model_id"},
			"no model":         {domain.QualityRequest{Kind: domain.QualityTasks, ModelID: " ", EndpointID: &e.ID}, "body.model_id"},
			"an endpoint":      {domain.QualityRequest{Kind: domain.QualityTasks, ModelID: "tiny", EndpointID: ptr("none")}, "body.endpoint_id"},
			"a base model":     {tasksOf("base"), "body.model_id"},
			"no reference":     {domain.QualityRequest{Kind: domain.QualityDivergence, ModelID: "tiny"}, "body.reference_model_id"},
			"its reference":    {domain.QualityRequest{Kind: domain.QualityTasks, ModelID: "tiny", ReferenceModelID: ptr("large")}, "body.reference_model_id"},
			"the reference":    {domain.QualityRequest{Kind: domain.QualityDivergence, ModelID: "tiny", ReferenceModelID: ptr("none")}, "body.reference_model_id"},
			"other tokens":     {domain.QualityRequest{Kind: domain.QualityDivergence, ModelID: "tiny", ReferenceModelID: ptr("large")}, "body.reference_model_id"},
			"no probabilities": {domain.QualityRequest{Kind: domain.QualityPerplexity, ModelID: "m", EndpointID: &e.ID}, "body.kind"},
		} {
			t.Log(name)
			_, err := w.svc.StartQuality(t.Context(), c.r)
			refused(t, err, domain.KindInvalid, c.at)
		}
		if qs, err := w.svc.Qualities(t.Context(), domain.QualityFilter{}); err != nil || len(qs) != 0 {
			t.Errorf("something was stored: %+v, %v", qs, err)
		}
	})
}

// An engine that does not start, fails, or panics fails the measurement; the next one goes on.
func TestAFailedQualityIsTold(t *testing.T) {
	broken := &engine.RequestError{Class: domain.ErrClassHTTP, Status: 500, Msg: "HTTP 500"}
	fail := func(int) *enginetest.Failure { return &enginetest.Failure{Err: broken} }
	in(t, options{script: enginetest.Script{Fail: fail}}, func(t *testing.T, w *world) {
		d := w.assessed(w.quality(tasksOf("tiny")).ID)
		if d.Status != domain.StatusFailed || d.Error == nil || !strings.Contains(d.Error.Message, "HTTP 500") || len(d.Answers) != 3 || d.Summary.Tasks.Failed != 3 || d.Summary.Tasks.Verdict != "nothing" {
			t.Errorf("every request fails: %+v %+v", d.Quality, d.Summary)
		}
		w.engines.set(nil, domain.Errorf(domain.KindConflict, "No engine is installed."))
		d = w.assessed(w.quality(tasksOf("tiny")).ID)
		if d.Status != domain.StatusFailed || d.Error.Message != "No engine is installed." || d.Summary != nil {
			t.Errorf("no engine: %+v", d.Quality)
		}
		w.engines.set(panicky{w.engine}, nil)
		d = w.assessed(w.quality(domain.QualityRequest{Kind: domain.QualityPerplexity, ModelID: "tiny"}).ID)
		if d.Status != domain.StatusFailed || d.Error == nil {
			t.Errorf("a panic: %+v", d.Quality)
		}
		w.engines.set(enginetest.New(enginetest.Script{Say: right}), nil)
		if d = w.assessed(w.quality(tasksOf("tiny")).ID); d.Status != domain.StatusCompleted {
			t.Errorf("after failures: %+v", d.Quality)
		}
	})
}

type panicky struct{ *enginetest.Scripted }

// Score is a fault of the program.
func (panicky) Score(context.Context, domain.ScoreRequest, func(domain.TokenScore) error) error {
	panic(errors.New("boom"))
}

// What the program left behind when it ended is told as interrupted or canceled, never as running.
func TestQualityAfterAnEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := options{script: enginetest.Script{Say: right, Gap: time.Second}}
		w := start(t, o)
		running, waiting := w.quality(tasksOf("tiny")), w.quality(tasksOf("tiny"))
		pass(3 * time.Second)
		w.close()
		o.path = w.path
		again := start(t, o)
		if d := again.assessed(running.ID); d.Status != domain.StatusCanceled || d.Error == nil || len(d.Answers) == 0 {
			t.Errorf("the one that ran: %+v", d.Quality)
		}
		if d := again.assessed(waiting.ID); d.Status != domain.StatusInterrupted || d.Error == nil || d.EndedAt == nil {
			t.Errorf("the one that waited: %+v", d.Quality)
		}
	})
}

// Starting, reading and canceling at once does no harm.
func TestQualityFromManySides(t *testing.T) {
	in(t, options{script: enginetest.Script{Say: right, Gap: 10 * time.Millisecond}}, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				q, err := w.svc.StartQuality(t.Context(), tasksOf("tiny"))
				if err != nil {
					t.Error(err)
					return
				}
				pass(time.Duration(i) * 100 * time.Millisecond)
				if _, err := w.svc.CancelQuality(t.Context(), q.ID); err != nil && domain.KindOf(err) != domain.KindConflict {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		qs, err := w.svc.Qualities(t.Context(), domain.QualityFilter{})
		if err != nil || len(qs) != 6 || slices.ContainsFunc(qs, func(q domain.Quality) bool { return !q.Status.Ended() }) {
			t.Errorf("%+v, %v", qs, err)
		}
	})
}
