package runner

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/inferometer/inferometer/backend/domain"
	"github.com/inferometer/inferometer/backend/engine"
	"github.com/inferometer/inferometer/backend/workload"
)

// The reasons for which the runner itself ends a request.
var (
	errDrained = errors.New("the run's time was over")
	errStorage = errors.New("the results could not be stored")
)

// engineDiedError is the cause of a run whose engine ended while it measured.
type engineDiedError struct{ err error }

func (e *engineDiedError) Error() string { return "the engine ended: " + e.err.Error() }
func (e *engineDiedError) Unwrap() error { return e.err }

// ended is a request that came back, as its goroutine hands it to the recorder.
type ended struct {
	tape    *tape
	planned string // the prompt as the source gave it
	sent    string // as sent
	usage   domain.Usage
	outcome domain.Outcome
	class   domain.ErrorClass
	message string
}

// judge says how a request ended. A failed stream is never ok, whatever arrived before.
func judge(ctx context.Context, usage domain.Usage, err error) (domain.Outcome, domain.ErrorClass, string) {
	if err == nil && usage.Complete {
		return domain.OutcomeOK, "", ""
	}
	if ctx.Err() != nil && (err == nil || stopped(err)) {
		return judgeStopped(context.Cause(ctx))
	}
	if err == nil {
		return domain.OutcomeIncomplete, domain.ErrClassCut, "The stream ended without its end mark."
	}
	return domain.OutcomeError, classOf(usage, err), err.Error()
}

// empty reports whether nothing but an end mark came: a model that has nothing to say still says why
// it ended, or counts the one token of it.
func empty(usage domain.Usage, t *tape) bool {
	return usage.FinishReason == "" && usage.OutputTokens == nil && t.tokens() == 0
}

// stopped reports whether err only says that the context was ended.
func stopped(err error) bool {
	var re *engine.RequestError
	if errors.As(err, &re) && re.Class == domain.ErrClassCanceled {
		return true
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func judgeStopped(cause error) (domain.Outcome, domain.ErrorClass, string) {
	var died *engineDiedError
	switch {
	case errors.Is(cause, errDrained):
		return domain.OutcomeIncomplete, domain.ErrClassCanceled, "Cut off: it was still running when the run's time was over."
	case errors.As(cause, &died):
		return domain.OutcomeError, domain.ErrClassEngine, died.Error()
	case errors.Is(cause, errStorage):
		return domain.OutcomeCanceled, domain.ErrClassCanceled, errStorage.Error()
	default:
		return domain.OutcomeCanceled, domain.ErrClassCanceled, "The run was canceled."
	}
}

func classOf(usage domain.Usage, err error) domain.ErrorClass {
	var re *engine.RequestError
	switch {
	case errors.As(err, &re) && re.Class != "":
		return re.Class
	case errors.Is(err, context.DeadlineExceeded):
		return domain.ErrClassTimeout
	case usage.FirstByte.IsZero():
		return domain.ErrClassConnect
	default:
		return domain.ErrClassBroken
	}
}

// offBy is how far chunks and words may lie apart before a stream is taken to pack several tokens
// in a chunk.
const offBy = 1.67

// outputTokens counts a request's output: usage first, then the server's timings, then the chunks;
// where those cannot be tokens, as the words of the text say, an estimate from the text.
func outputTokens(usage domain.Usage, t *tape, text string) (n *int, from string) {
	if usage.OutputTokens != nil {
		return usage.OutputTokens, "usage"
	}
	if usage.Server != nil && usage.Server.PredictedTokens > 0 {
		predicted := usage.Server.PredictedTokens
		return &predicted, "server"
	}
	chunks := t.tokens()
	if words := workload.EstimateTokens(text); float64(words) > offBy*float64(chunks) {
		return &words, "text"
	}
	return &chunks, "chunks"
}

// record builds the raw record of a request from the stamps of its stream.
func (e ended) record(origin time.Time, storeText bool) domain.RequestRecord {
	sent := e.usage.Sent
	if sent.IsZero() { // the engine failed before it wrote anything
		sent = e.tape.begun
	}
	t := e.tape
	r := domain.RequestRecord{
		N: t.n, RequestID: newUUID(), Phase: t.phase, Stage: t.stage, Conversation: t.conversation, Turn: t.turn,
		MaxTokens: t.maxTokens, Outcome: e.outcome, ErrorClass: e.class, ErrorMessage: e.message,
		StartedAt: sent.Round(0).UTC(), SentUs: sent.Sub(origin).Microseconds(), DueUs: since(origin, t.due),
		PromptHash: hash(e.planned), HTTPStatus: e.usage.HTTPStatus, RetryAfterS: e.usage.RetryAfterS,
	}
	if e.outcome == domain.OutcomeDropped {
		r.PromptHash = ""
		return r
	}
	r.FirstByteUs, r.ClosedUs = since(sent, e.usage.FirstByte), since(sent, e.usage.Closed)
	r.PromptTokens, r.CachedTokens = e.usage.PromptTokens, e.usage.CachedTokens
	r.FinishReason, r.Server = e.usage.FinishReason, e.usage.Server
	fromServer(&r)
	text := e.addChunks(&r, sent)
	r.OutputTokens, r.TokensFrom = outputTokens(e.usage, t, text)
	if text != "" { // a witness against a wrong usage
		r.TextTokens = new(workload.EstimateTokens(text))
	}
	if n := *r.OutputTokens; n >= 2 && r.TTFTUs != nil && r.LastUs != nil {
		tpot := (*r.LastUs - *r.TTFTUs + int64(n-1)/2) / int64(n-1)
		r.TPOTUs = &tpot
	}
	if storeText {
		prompt := e.sent
		r.Prompt, r.Output = &prompt, &text
	}
	return r
}

// fromServer fills prompt counts that usage lacks from the server's timings.
func fromServer(r *domain.RequestRecord) {
	if r.Server == nil {
		return
	}
	if r.PromptTokens == nil && r.Server.PromptTokens+r.Server.CachedTokens > 0 {
		total := r.Server.PromptTokens + r.Server.CachedTokens
		r.PromptTokens = &total
	}
	if cached := r.Server.CachedTokens; r.CachedTokens == nil && cached > 0 { // 0 may mean: not told
		r.CachedTokens = &cached
	}
}

// addChunks fills in the times of the content chunks and returns the text they carried. The counts
// of single chunks are kept where the engine gave one for each.
func (e ended) addChunks(r *domain.RequestRecord, sent time.Time) string {
	count := int(e.tape.published.Load())
	r.ChunkUs = make([]int64, 0, count)
	r.ChunkKinds = make([]domain.ChunkKind, 0, count)
	tokens, counted := make([]int, 0, count), true
	var text strings.Builder
	var last int64
	for m, piece := range e.tape.chunks {
		at := e.tape.begun.Add(time.Duration(m.sinceNs)).Sub(sent).Microseconds()
		if r.FirstByteUs == nil {
			r.FirstByteUs = new(at)
		}
		if !m.content() {
			continue
		}
		if r.TTFTUs == nil {
			r.TTFTUs = new(at)
		}
		if r.TTFVUs == nil && m.kind == domain.ChunkText {
			r.TTFVUs = new(at)
		}
		last = at
		r.ChunkUs = append(r.ChunkUs, at)
		r.ChunkKinds = append(r.ChunkKinds, m.kind)
		tokens = append(tokens, int(m.tokens))
		counted = counted && m.tokens > 0
		text.Write(piece)
	}
	if len(r.ChunkUs) > 0 {
		r.LastUs = &last
	}
	if counted && len(tokens) > 0 {
		r.ChunkTokens = tokens
	}
	return text.String()
}

// since returns the microseconds from sent to at, nil when at never happened.
func since(sent, at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	us := at.Sub(sent).Microseconds()
	return &us
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// newUUID returns a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the program first
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
