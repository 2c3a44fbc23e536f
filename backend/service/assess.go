package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/quality"
)

const (
	qualityContext = 8192 // tokens, where the model has so many
	qualityEvery   = 250 * time.Millisecond
	// mostFailures is after how many failed requests in a row a measurement gives up.
	mostFailures = 3
)

// assessments are the measurements of quality that wait and the one that runs; mu of the service guards them.
type assessments struct {
	queue  []*assessment
	active *assessment
}

// open are those that wait and the one that runs.
func (a *assessments) open() []*assessment {
	if a.active == nil {
		return a.queue
	}
	return append([]*assessment{a.active}, a.queue...)
}

// assessment is what is kept in memory of one measurement of quality. The worker alone changes it, but for
// progress, which mu of the service guards.
type assessment struct {
	q         domain.Quality
	model     domain.Model
	reference domain.Model
	records   int
	cancel    context.CancelCauseFunc // set while running
	progress  *domain.QualityProgress
	told      time.Time // when progress was published last
	done      chan struct{}
}

// nextAssessment takes the oldest measurement of quality that waits, when no benchmark does.
func (s *Service) nextAssessment(ctx context.Context) (context.Context, *assessment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.quality.queue) == 0 || s.probing || len(s.queue) > 0 {
		return ctx, nil
	}
	a := s.quality.queue[0]
	s.quality.queue = s.quality.queue[1:]
	s.quality.active = a
	ctx, a.cancel = context.WithCancelCause(ctx)
	s.giveWay()
	return ctx, a
}

// assess runs one measurement of quality and stores how it ended, whatever happens on the way.
func (s *Service) assess(ctx context.Context, a *assessment) {
	keep := context.WithoutCancel(ctx)
	a.q.Status, a.q.StartedAt = domain.StatusRunning, new(s.d.Now().UTC())
	err := s.putQuality(keep, a)
	if err == nil {
		// Its readings are those of no idle machine, which the next benchmark looks back at.
		s.d.Sampler.Begin(*a.q.StartedAt, func(domain.Sample) {})
		err = s.gather(ctx, keep, a)
		s.d.Sampler.End()
	}
	s.endAssessment(keep, a, err, context.Cause(ctx))
	a.cancel(nil)
	s.mu.Lock()
	s.quality.active = nil
	s.mu.Unlock()
	close(a.done)
	s.rested()
}

// endAssessment works out what the records that were stored amount to, and how it ended.
func (s *Service) endAssessment(ctx context.Context, a *assessment, err, cause error) {
	records, unread := s.d.Store.QualityRecords(ctx, a.q.ID)
	summary, unsound := quality.Summary(a.q.Kind, a.q.Language, records)
	a.q.Summary, a.q.EndedAt = summary, new(s.d.Now().UTC())
	a.q.Status = domain.StatusCompleted
	switch {
	case errors.Is(cause, errClosing):
		a.q.Status, a.q.Error = domain.StatusCanceled, runError(&domain.Error{Kind: domain.KindUnavailable,
			Msg: "The program was closed while this measurement ran.", Hint: "Measure again."})
	case cause != nil:
		a.q.Status = domain.StatusCanceled
	case errors.Join(err, unread, unsound) != nil:
		a.q.Status, a.q.Error = domain.StatusFailed, runError(errors.Join(err, unread, unsound))
		s.d.Log.Warn("A measurement of quality failed", "qualityId", a.q.ID, "error", err)
	}
	if err := s.putQuality(ctx, a); err != nil {
		s.d.Log.Error("Cannot store the end of a measurement of quality", "qualityId", a.q.ID, "error", err)
	}
}

// putQuality stores where a measurement is and tells it.
func (s *Service) putQuality(ctx context.Context, a *assessment) error {
	err := s.d.Store.PutQuality(ctx, a.q)
	s.d.Hub.Publish(domain.EventQuality, a.q)
	return err
}

// note tells how far a measurement is, a few times a second.
func (s *Service) note(a *assessment, p domain.QualityProgress) {
	s.mu.Lock()
	a.progress = &p
	s.mu.Unlock()
	now := s.d.Now()
	if now.Sub(a.told) < qualityEvery {
		return
	}
	a.told = now
	q := a.q
	q.Progress = &p
	s.d.Hub.Publish(domain.EventQuality, q)
}

// gather asks the engine for everything and stores it as it comes. A panic fails the measurement, not the
// program.
func (s *Service) gather(ctx, keep context.Context, a *assessment) (err error) {
	defer rescue(s.d.Log, &err)
	if s.d.KeepAwake != nil {
		release := s.d.KeepAwake("Measuring a language model")
		defer release()
	}
	if a.q.ModelSHA256, err = s.checksumOf(ctx, a, a.model); err != nil {
		return err
	}
	if a.q.Kind == domain.QualityTasks {
		return s.withEngine(ctx, keep, a, a.model, func(eng engine.Engine) error { return s.askTasks(ctx, keep, a, eng) })
	}
	sides := []scoring{{a: a, side: quality.SideModel, model: a.model, parts: 1}}
	if a.q.Kind == domain.QualityDivergence {
		if a.q.ReferenceSHA256, err = s.checksumOf(ctx, a, a.reference); err != nil {
			return err
		}
		sides[0].parts = 2
		sides = append(sides, scoring{a: a, side: quality.SideReference, model: a.reference, part: 1, parts: 2})
	}
	for _, x := range sides {
		err = s.withEngine(ctx, keep, a, x.model, func(eng engine.Engine) error { return s.scoreTexts(ctx, keep, x, eng) })
		if err != nil {
			return err
		}
	}
	return nil
}

// checksumOf is the checksum of a model's file, read now if it was not yet; empty for an endpoint's.
func (s *Service) checksumOf(ctx context.Context, a *assessment, m domain.Model) (string, error) {
	if m.Path == "" || m.SHA256 != "" {
		return m.SHA256, nil
	}
	s.note(a, domain.QualityProgress{Note: "Reading the model for its checksum"})
	sum, err := s.d.Library.SHA256(ctx, m.Path)
	if err != nil {
		return "", fmt.Errorf("hash model: %w", err)
	}
	return sum, nil
}

// withEngine makes the engine of a model ready, uses it and ends it.
func (s *Service) withEngine(ctx, keep context.Context, a *assessment, m domain.Model, use func(engine.Engine) error) (err error) {
	p := domain.Plan{EndpointID: m.EndpointID}
	eng, _, err := s.open(keep, &job{}, p)
	if err != nil {
		return err
	}
	eng = guarded{eng, s.d.Log}
	defer func() { // whatever happens, a panic too
		s.d.Sampler.SetEnginePID(0)
		err = errors.Join(err, eng.Close(keep))
	}()
	spec := domain.EngineSpec{Model: m, Slots: 1, Context: qualityContext, UseGPU: true, Progress: func(note string, _ *float64) {
		s.note(a, domain.QualityProgress{Note: note})
	}}
	if m.GGUF != nil && m.GGUF.ContextLength > 0 {
		spec.Context = min(spec.Context, m.GGUF.ContextLength)
	}
	info, err := eng.Prepare(ctx, spec)
	if err != nil {
		return err
	}
	if m.ID == a.model.ID {
		a.q.EngineBuild = cmp.Or(info.Build, info.Version)
	}
	s.d.Sampler.SetEnginePID(info.PID)
	return use(eng)
}

// askTasks asks every question once, one after the other and always alike: the likeliest token each time.
func (s *Service) askTasks(ctx, keep context.Context, a *assessment, eng engine.Engine) error {
	tasks, _ := quality.Tasks(a.q.Language)
	failures, most := 0, quality.MostTokens
	for i, t := range tasks {
		s.note(a, domain.QualityProgress{Done: i, Total: new(len(tasks)), Note: "Asking"})
		request := domain.GenRequest{Model: a.q.ModelID, Prompt: t.Prompt, MaxTokens: most, TopP: 1, Seed: 1, CachePrompt: true}
		r, err := ask(ctx, eng, request)
		if err == nil && most == quality.MostTokens && quality.Unfinished(r) { // it thinks: it gets the room for it
			most, request.MaxTokens = quality.MostThought, quality.MostThought
			r, err = ask(ctx, eng, request)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if failures++; err == nil {
			failures = 0
		}
		if err := s.keepRecord(keep, a, domain.QualityRecord{Side: quality.SideModel, Item: t.ID, Answer: &r}); err != nil {
			return err
		}
		if failures == mostFailures {
			return err
		}
	}
	return nil
}

func (s *Service) keepRecord(ctx context.Context, a *assessment, r domain.QualityRecord) error {
	r.N = a.records
	a.records++
	return s.d.Store.AppendQuality(ctx, a.q.ID, r)
}

var errLongEnough = errors.New("the answer is long enough")

// ask gets one answer. It is cut when it has gone on for so long that it cannot become right any more.
func ask(ctx context.Context, eng engine.Engine, r domain.GenRequest) (domain.AnswerRecord, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var text strings.Builder
	out := domain.AnswerRecord{Outcome: domain.OutcomeOK}
	use, err := eng.Generate(ctx, r, func(c domain.Chunk) {
		switch c.Kind {
		case domain.ChunkReasoning:
			out.Reasoning = out.Reasoning || c.Text != ""
		case domain.ChunkText:
			text.WriteString(c.Text)
			if quality.LongEnough(text.String()) {
				cancel(errLongEnough)
			}
		}
	})
	out.Text, out.Tokens, out.Finish = strings.ToValidUTF8(text.String(), "\uFFFD"), use.OutputTokens, use.FinishReason
	if !use.Closed.IsZero() {
		out.TotalUs = use.Closed.Sub(use.Sent).Microseconds()
	}
	switch {
	case errors.Is(context.Cause(ctx), errLongEnough):
		out.Finish, err = "cut", nil
	case err != nil:
		out.Outcome, out.Error = domain.OutcomeError, err.Error()
	case !use.Complete:
		out.Outcome, out.Error = domain.OutcomeIncomplete, "The answer ended without its end mark."
	}
	return out, err
}

// scoring is one side of a measurement over texts.
type scoring struct {
	a           *assessment
	side        string
	model       domain.Model
	part, parts int // which of how many sides
}

// scoreTexts has every text scored, one after the other.
func (s *Service) scoreTexts(ctx, keep context.Context, x scoring, eng engine.Engine) error {
	texts, _ := quality.Texts(x.a.q.Language)
	top := 0
	if x.a.q.Kind == domain.QualityDivergence {
		top = quality.Top
	}
	done, total := 0, s.tokensOf(ctx, eng, texts)
	for _, t := range texts {
		var scores []domain.TokenScore
		err := eng.(guarded).Score(ctx, domain.ScoreRequest{Model: x.model.ID, Text: t.Text, Top: top}, func(score domain.TokenScore) error {
			scores = append(scores, score)
			done++
			p := domain.QualityProgress{Done: done, Note: "Scoring " + x.side}
			if total > 0 {
				p.Done, p.Total = x.part*total+done, new(x.parts*total)
			}
			s.note(x.a, p)
			return ctx.Err()
		})
		if len(scores) > 0 { // of a text that was broken off too
			err = errors.Join(err, s.keepRecord(keep, x.a, domain.QualityRecord{Side: x.side, Item: t.ID, Scores: scores}))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tokensOf counts the tokens of texts; 0 where the engine does not count.
func (s *Service) tokensOf(ctx context.Context, eng engine.Engine, texts []quality.Text) int {
	n := 0
	for _, t := range texts {
		ids, err := eng.(guarded).Tokenize(ctx, t.Text)
		if err != nil {
			return 0
		}
		n += len(ids)
	}
	return n
}
