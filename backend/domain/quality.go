package domain

import "time"

// QualityKind is what a measurement of quality looks at.
type QualityKind string

// The kinds of quality measurement.
const (
	QualityTasks      QualityKind = "tasks"      // questions with one right answer, through the chat template
	QualityPerplexity QualityKind = "perplexity" // how likely the model holds texts that a person wrote
	QualityDivergence QualityKind = "divergence" // how far its next tokens are from those of a reference
)

// QualityRequest is the body of POST /api/v1/quality.
type QualityRequest struct {
	Kind             QualityKind `json:"kind" enum:"tasks,perplexity,divergence" doc:"tasks: small questions with one right answer; perplexity: how well it predicts texts; divergence: how far it is from a reference model of the same tokenizer, such as a larger quant"`
	ModelID          string      `json:"model_id" minLength:"1" maxLength:"512"`
	EndpointID       *string     `json:"endpoint_id,omitempty" minLength:"1" maxLength:"64" doc:"Measure this endpoint instead of the embedded engine; perplexity and divergence need one of kind llama"`
	Language         *string     `json:"language,omitempty" enum:"en,pt-BR" doc:"Of questions and texts; default en"`
	ReferenceModelID *string     `json:"reference_model_id,omitempty" minLength:"1" maxLength:"512" doc:"An installed model; divergence needs it, no other kind takes it"`
}

// Quality is one measurement of quality with what came of it. Every key is always there, null until known.
type Quality struct {
	ID               string           `json:"id"`
	Kind             QualityKind      `json:"kind"`
	ModelID          string           `json:"model_id"`
	ModelSHA256      string           `json:"model_sha256"` // empty where it is not known
	EndpointID       *string          `json:"endpoint_id"`
	ReferenceModelID *string          `json:"reference_model_id"`
	ReferenceSHA256  string           `json:"reference_sha256"`
	Language         string           `json:"language"`
	Pack             string           `json:"pack"`         // name and checksum of the questions or texts
	Engine           string           `json:"engine"`       // kind of the engine
	EngineBuild      string           `json:"engine_build"` // empty until known
	Status           Status           `json:"status"`
	CreatedAt        time.Time        `json:"created_at"`
	StartedAt        *time.Time       `json:"started_at"`
	EndedAt          *time.Time       `json:"ended_at"`
	Error            *RunError        `json:"error"`
	Progress         *QualityProgress `json:"progress"` // null unless it runs
	Summary          *QualitySummary  `json:"summary"`  // null until something was measured
}

// QualityProgress is how far a measurement has come: answers, or tokens of the texts.
type QualityProgress struct {
	Done  int    `json:"done"`
	Total *int   `json:"total"` // null until known
	Note  string `json:"note"`
}

// QualitySummary is what the raw records amount to; the part of its kind is set, the others are null.
type QualitySummary struct {
	Tasks      *TaskScore  `json:"tasks"`
	Perplexity *Perplexity `json:"perplexity"`
	Divergence *Divergence `json:"divergence"`
}

// TaskScore is how many answers were right. Intervals are of 95 %.
type TaskScore struct {
	Right    int         `json:"right"`
	Asked    int         `json:"asked"` // answers that could be graded; failed requests are not among them
	Failed   int         `json:"failed"`
	Percent  *float64    `json:"percent"`
	Interval *Interval   `json:"interval" nullable:"true"` // of percent
	Groups   []TaskGroup `json:"groups"`
	// Verdict is scored, broken (the answers look as if the model is not spoken to in its own format, so
	// that neither score nor speed says anything about it) or nothing (no answer came).
	Verdict string     `json:"verdict"`
	Broken  []SignSeen `json:"broken"` // what was seen; empty unless broken
}

// TaskGroup is the score of one kind of task.
type TaskGroup struct {
	Name  string `json:"name"`
	Right int    `json:"right"`
	Asked int    `json:"asked"`
}

// SignSeen is one sign of a broken chat template, in so many of the answers.
type SignSeen struct {
	Code    string `json:"code"` // empty, template_tokens, repetition, echo
	Answers int    `json:"answers"`
	Of      int    `json:"of"`
	Example string `json:"example"` // the place in one of them
}

// Perplexity is how well a model predicts texts. Intervals are of 95 % over texts.
type Perplexity struct {
	Value       float64   `json:"value"`
	Interval    *Interval `json:"interval" nullable:"true"` // null below two texts
	BitsPerByte float64   `json:"bits_per_byte"`            // may be held against models of another tokenizer
	Tokens      int       `json:"tokens"`
	Texts       int       `json:"texts"`
}

// Divergence is how far the next-token probabilities of a model are from those of a reference, over the
// positions of texts. Intervals are of 95 % over texts.
type Divergence struct {
	// KL is the mean Kullback-Leibler divergence in nats, from the likeliest tokens of both with the rest as
	// one: never more than the true one.
	KL         float64   `json:"kl"`
	KLInterval *Interval `json:"kl_interval" nullable:"true"`
	KLMedian   float64   `json:"kl_median"`
	KLP99      *float64  `json:"kl_p99"` // null below 100 positions
	KLMax      float64   `json:"kl_max"`
	// SameTop is the share of positions, in percent, at which both hold the same token likeliest.
	SameTop         float64   `json:"same_top_percent"`
	SameTopInterval *Interval `json:"same_top_interval" nullable:"true"`
	// PerplexityRatio is that of the model ÷ that of the reference.
	PerplexityRatio         float64   `json:"perplexity_ratio"`
	PerplexityRatioInterval *Interval `json:"perplexity_ratio_interval" nullable:"true"`
	Perplexity              float64   `json:"perplexity"`
	ReferencePerplexity     float64   `json:"reference_perplexity"`
	// Covered is how much of the reference's probability lies, in the mean, on tokens that were compared one by
	// one, in percent.
	Covered   float64 `json:"covered_percent"`
	Positions int     `json:"positions"`
	Texts     int     `json:"texts"`
}

// QualityDetail is a measurement with its records.
type QualityDetail struct {
	Quality
	Answers []QualityAnswer `json:"answers"` // of tasks
	Texts   []QualityText   `json:"texts"`   // of perplexity and divergence
}

// QualityAnswer is the answer to one task and how it was graded.
type QualityAnswer struct {
	Task     string  `json:"task"`
	Group    string  `json:"group"`
	Prompt   string  `json:"prompt"`
	Expected string  `json:"expected"`
	Answer   string  `json:"answer"` // visible text
	Right    bool    `json:"right"`
	Reason   string  `json:"reason"` // why it is not right; empty when it is
	Outcome  Outcome `json:"outcome"`
	Finish   string  `json:"finish"` // stop, length, or cut by the program when it had gone on for too long
	Tokens   *int    `json:"tokens"`
	TotalMs  float64 `json:"total_ms"`
}

// QualityText is what one text amounts to.
type QualityText struct {
	Text                string   `json:"text"` // its name in the pack
	Tokens              int      `json:"tokens"`
	Perplexity          float64  `json:"perplexity"`
	ReferencePerplexity *float64 `json:"reference_perplexity"`
	KL                  *float64 `json:"kl"`
	SameTop             *float64 `json:"same_top_percent"`
}

// QualityRecord is the raw record of one answer or of one scored text; it is kept, and never shown as it is.
type QualityRecord struct {
	N      int           `json:"n"`
	Side   string        `json:"side"` // model or reference
	Item   string        `json:"item"` // id of the task or text in its pack
	Answer *AnswerRecord `json:"answer,omitempty"`
	Scores []TokenScore  `json:"scores,omitempty"`
}

// AnswerRecord is what came of one task.
type AnswerRecord struct {
	Text      string  `json:"text"`
	Reasoning bool    `json:"reasoning"` // there was text of a reasoning channel beside it
	Outcome   Outcome `json:"outcome"`
	Error     string  `json:"error,omitempty"`
	Finish    string  `json:"finish"`
	Tokens    *int    `json:"tokens"`
	TotalUs   int64   `json:"total_us"`
}

// QualityFilter narrows a list of measurements; empty values do not narrow.
type QualityFilter struct {
	Kind, Model, Endpoint, Language, Status string
	Limit                                   int
}

// ScoreRequest asks an engine how likely a text is.
type ScoreRequest struct {
	Model string
	Text  string
	Top   int // how many of the likeliest tokens are told at each position; 0: none
}

// TokenScore is one position of a text: the token that stands there and how likely it was, given those
// before it.
type TokenScore struct {
	ID      int         `json:"i"`
	LogProb float64     `json:"p"`           // natural logarithm
	Top     []TokenProb `json:"t,omitempty"` // likeliest first
}

// TokenProb is a token and the natural logarithm of its probability.
type TokenProb struct {
	ID      int     `json:"i"`
	LogProb float64 `json:"p"`
}
