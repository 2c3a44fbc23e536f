package domain

import "time"

// Outcome is how one generation ended.
type Outcome string

// The outcomes of a request. A stream that ended without its end mark is incomplete, never ok.
const (
	OutcomeOK         Outcome = "ok"
	OutcomeError      Outcome = "error"
	OutcomeIncomplete Outcome = "incomplete"
	OutcomeCanceled   Outcome = "canceled"
	// OutcomeDropped is an arrival that was never sent: as many requests as allowed were under way.
	OutcomeDropped Outcome = "dropped"
)

// ChunkKind says what an event of the stream carried.
type ChunkKind uint8

// The kinds of chunk. Text and Reasoning are content; the rest only count for TTFR.
const (
	ChunkOther     ChunkKind = iota // role, usage, finish, empty
	ChunkText                       // visible content
	ChunkReasoning                  // content of a reasoning channel
)

// Chunk is one event of a stream, stamped when its bytes arrived. At carries a monotonic reading.
type Chunk struct {
	At     time.Time
	Kind   ChunkKind
	Text   string
	Tokens int // tokens in this chunk when the engine says so, else 0
}

// GenRequest is one generation as the runner asks an engine for it.
type GenRequest struct {
	Model       string
	Prompt      string    // the newest user message, or the whole text of a raw completion
	History     []Message // what was said before it, a system message included; empty for one turn
	Raw         bool      // completion without a chat template
	MaxTokens   int
	Temperature float64
	TopP        float64
	Seed        int64
	ExactLength bool // ignore the end-of-text token where the engine can
	CachePrompt bool // let the engine's prompt cache answer, where it can be told
}

// Message is one message of a conversation.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// Usage is what an engine knows of a generation besides its chunks. Counts are nil when the server
// did not give them. Sent is read just before the request is written, Closed when the stream ended.
type Usage struct {
	Sent         time.Time
	FirstByte    time.Time // first event of the body, of any kind; zero when none came
	Closed       time.Time
	PromptTokens *int
	OutputTokens *int
	CachedTokens *int
	HTTPStatus   int      // 0 when no answer came
	RetryAfterS  *float64 // of a 429 or 503 that names it
	FinishReason string   // stop, length, …; empty when none came
	Complete     bool     // the end mark of the stream was seen
	Server       *ServerTimings
}

// ServerTimings are the engine's own figures for one request, in its own clock.
type ServerTimings struct {
	PromptTokens    int     `json:"prompt_tokens"` // processed, without cached ones
	CachedTokens    int     `json:"cached_tokens"`
	PromptMs        float64 `json:"prompt_ms"`
	PredictedTokens int     `json:"predicted_tokens"`
	PredictedMs     float64 `json:"predicted_ms"`
	LoadMs          float64 `json:"load_ms,omitempty"`        // loading the model, where the engine says so
	TotalMs         float64 `json:"total_ms,omitempty"`       // the whole request, where the engine says so
	DraftTokens     int     `json:"draft_tokens,omitempty"`   // proposed by speculative decoding
	DraftAccepted   int     `json:"draft_accepted,omitempty"` // of them kept
}

// ErrorClass groups failed requests.
type ErrorClass string

// The classes of request errors.
const (
	ErrClassConnect  ErrorClass = "connect"      // refused, reset, name not found
	ErrClassTimeout  ErrorClass = "timeout"      // nothing came in time
	ErrClassHTTP     ErrorClass = "http"         // a status other than 200, 429 and 503
	ErrClassLimited  ErrorClass = "rate_limited" // 429
	ErrClassOverload ErrorClass = "overloaded"   // 503
	ErrClassStream   ErrorClass = "stream"       // an error event, or an event that cannot be read
	ErrClassBroken   ErrorClass = "disconnect"   // the connection broke within the stream
	ErrClassCut      ErrorClass = "truncated"    // the stream ended without its end mark
	ErrClassEngine   ErrorClass = "engine"       // the engine's process ended
	ErrClassCanceled ErrorClass = "canceled"     // the run was stopped
)

// RequestRecord is the raw record of one generation: the truth every summary is computed from.
// Offsets are microseconds from Sent on the monotonic clock.
type RequestRecord struct {
	N            int        `json:"n"`            // 0, 1, … within the run, warm-ups included
	RequestID    string     `json:"request_id"`   // UUID
	Phase        Phase      `json:"phase"`        // warmup, measure or cooldown
	Stage        int        `json:"stage"`        // index of the stage; 0 for warm-ups
	Conversation *int       `json:"conversation"` // which conversation of a multi-turn workload
	Turn         int        `json:"turn"`         // 0, 1, … within the conversation
	MaxTokens    int        `json:"max_tokens"`   // output tokens asked for
	Outcome      Outcome    `json:"outcome"`
	ErrorClass   ErrorClass `json:"error_class,omitempty"`
	ErrorMessage string     `json:"error_message,omitempty"`
	StartedAt    time.Time  `json:"started_at"`  // wall clock of Sent
	SentUs       int64      `json:"sent_us"`     // Sent, from the start of the run
	DueUs        *int64     `json:"due_us"`      // when it was to be sent, from the start of the run; null in a closed loop
	HTTPStatus   int        `json:"http_status"` // 0 when no answer came
	RetryAfterS  *float64   `json:"retry_after_s"`
	FirstByteUs  *int64     `json:"first_byte_us"` // TTFR
	TTFTUs       *int64     `json:"ttft_us"`       // first content of any kind
	TTFVUs       *int64     `json:"ttfv_us"`       // first visible content
	LastUs       *int64     `json:"last_us"`       // last content: E2E
	ClosedUs     *int64     `json:"closed_us"`     // end of the stream
	TPOTUs       *int64     `json:"tpot_us"`       // nil below two output tokens
	PromptTokens *int       `json:"prompt_tokens"`
	OutputTokens *int       `json:"output_tokens"` // usage first, else the chunk count
	CachedTokens *int       `json:"cached_tokens"`
	TokensFrom   string     `json:"tokens_from"` // usage, server, tokenizer, chunks
	// TextTokens counts the output by its text, a witness against a wrong usage: exact when
	// TextTokensExact, else an estimate from words and signs. Null when no content came.
	TextTokens      *int           `json:"text_tokens"`
	TextTokensExact bool           `json:"text_tokens_exact"`
	FinishReason    string         `json:"finish_reason"`
	Server          *ServerTimings `json:"server"`
	ChunkUs         []int64        `json:"chunk_us,omitempty"`     // offset of each content chunk
	ChunkKinds      []ChunkKind    `json:"-"`                      // parallel to ChunkUs
	ChunkTokens     []int          `json:"chunk_tokens,omitempty"` // parallel to ChunkUs where the engine counted each chunk, else nil
	Prompt          *string        `json:"prompt,omitempty"`       // null when text is not stored
	Output          *string        `json:"output,omitempty"`       // visible and reasoning content
	PromptHash      string         `json:"prompt_sha256,omitempty"`
}

// RequestFilter narrows a list of requests; zero values do not narrow. Limit 0 means the default page.
type RequestFilter struct {
	Stage         *int
	Phase         Phase
	Outcome       Outcome
	Limit, Offset int
}

// Batch is what the recorder appends in one transaction.
type Batch struct {
	Requests []RequestRecord
	Samples  []Sample
	Phases   []PhaseChange
}
