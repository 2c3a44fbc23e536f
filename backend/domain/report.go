package domain

import "time"

// Stats summarises one metric. P99 is nil below n = 100. Percentiles interpolate linearly.
type Stats struct {
	Mean *float64 `json:"mean"`
	P50  *float64 `json:"p50"`
	P90  *float64 `json:"p90"`
	P95  *float64 `json:"p95"`
	P99  *float64 `json:"p99"`
	Min  *float64 `json:"min"`
	Max  *float64 `json:"max"`
	N    int      `json:"n"`
}

// Summary is what a run's records say, computed by pure code; product.md defines each metric.
type Summary struct {
	TTFTMs                 Stats          `json:"ttft_ms"`
	TTFRMs                 Stats          `json:"ttfr_ms"`
	TTFVMs                 Stats          `json:"ttfv_ms"`
	ITLMs                  Stats          `json:"itl_ms"`
	TPOTMs                 Stats          `json:"tpot_ms"`
	E2EMs                  Stats          `json:"e2e_ms"`
	OutputTokensPerSecond  *float64       `json:"output_tokens_per_second"`
	DecodeTokensPerSecond  *float64       `json:"decode_tokens_per_second"`  // median over requests
	PrefillTokensPerSecond *float64       `json:"prefill_tokens_per_second"` // median over requests
	PrefillLowerBound      bool           `json:"prefill_lower_bound"`       // no server timing: ÷ TTFT
	RequestsPerSecond      *float64       `json:"requests_per_second"`
	Requests               OutcomeCounts  `json:"requests"`
	Tokens                 TokenCounts    `json:"tokens"`
	DeliveredConcurrency   *float64       `json:"delivered_concurrency"` // mean requests in flight
	WindowS                *float64       `json:"window_s"`
	FinishReasons          map[string]int `json:"finish_reasons"`
	ErrorClasses           map[string]int `json:"error_classes"`
	Server                 ServerSummary  `json:"server"`
	Stages                 []Stage        `json:"stages"`
}

// OutcomeCounts counts measured requests by outcome.
type OutcomeCounts struct {
	OK         int `json:"ok"`
	Error      int `json:"error"`
	Incomplete int `json:"incomplete"`
	Canceled   int `json:"canceled"`
}

// TokenCounts are sums over successful measured requests; From is usage, server, chunks or mixed.
type TokenCounts struct {
	Prompt *int   `json:"prompt"`
	Output int    `json:"output"`
	Cached *int   `json:"cached"`
	From   string `json:"from"`
}

// ServerSummary are the engine's own figures, beside the client's.
type ServerSummary struct {
	DecodeTokensPerSecond  *float64 `json:"decode_tokens_per_second"`
	PrefillTokensPerSecond *float64 `json:"prefill_tokens_per_second"`
	N                      int      `json:"n"`
}

// Stage is one point of a job; a job without a sweep has one.
type Stage struct {
	Name        string        `json:"name"`
	Concurrency int           `json:"concurrency"`
	Summary     *StageSummary `json:"summary"`
}

// StageSummary is the part of a Summary that is given per stage.
type StageSummary struct {
	TTFTMs                Stats         `json:"ttft_ms"`
	ITLMs                 Stats         `json:"itl_ms"`
	TPOTMs                Stats         `json:"tpot_ms"`
	E2EMs                 Stats         `json:"e2e_ms"`
	OutputTokensPerSecond *float64      `json:"output_tokens_per_second"`
	Requests              OutcomeCounts `json:"requests"`
}

// Warning is a fact that a figure should not stand without. Code is snake_case.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Level   string `json:"level"` // info, caution, invalid
}

// Validity is the verdict on a run. Checks lists every check made, with what was measured.
type Validity struct {
	Verdict string  `json:"verdict"` // valid, caution, invalid
	Checks  []Check `json:"checks"`
}

// Check is one test of validity.
type Check struct {
	Code   string   `json:"code"`
	State  string   `json:"state"` // ok, caution, invalid, unknown
	Value  *float64 `json:"value"`
	Limit  *float64 `json:"limit"`
	Unit   string   `json:"unit"`
	Detail string   `json:"detail"`
}

// Report is everything derived from a run's raw records.
type Report struct {
	Summary         Summary
	HardwareMetrics HardwareMetrics
	Validity        Validity
	Warnings        []Warning
	DurationS       *float64
	TokensGenerated *int
	Output          *string
}

// Window is a closed interval of time; nil bounds are open.
type Window struct {
	Start, End *time.Time
}

// ResultFilter narrows the averages and the result records.
type ResultFilter struct {
	Model, Engine, Dataset, Tag string
	Sample                      string // "", only, exclude
}

// Averages are the four figures of seed A. Nil when nothing was counted. Counts are per metric,
// because a one-token result has no TPOT. Averages are exact quotients of integer sums. Intervals
// are 95 % confidence intervals of those means, nil for fewer than two values.
type Averages struct {
	TokenCount       *float64 `json:"avg_token_count"`
	TimeToFirstToken *float64 `json:"avg_time_to_first_token"`
	TimePerToken     *float64 `json:"avg_time_per_output_token"`
	TotalTime        *float64 `json:"avg_total_generation_time"`
	Count            int64    `json:"count"`
	Counts           struct {
		TokenCount       int64 `json:"token_count"`
		TimeToFirstToken int64 `json:"time_to_first_token"`
		TimePerToken     int64 `json:"time_per_output_token"`
		TotalTime        int64 `json:"total_generation_time"`
	} `json:"counts"`
	Intervals struct {
		TokenCount       *Interval `json:"avg_token_count" nullable:"true"`
		TimeToFirstToken *Interval `json:"avg_time_to_first_token" nullable:"true"`
		TimePerToken     *Interval `json:"avg_time_per_output_token" nullable:"true"`
		TotalTime        *Interval `json:"avg_total_generation_time" nullable:"true"`
	} `json:"intervals"`
	// Squares are the sums of squared deviations from each mean, from which the intervals follow.
	Squares struct {
		TokenCount, TimeToFirstToken, TimePerToken, TotalTime float64
	} `json:"-"`
}

// Interval is a range with its lower and its upper end.
type Interval [2]float64

// Result is one record with the seed's eight fields; times in ms.
type Result struct {
	RequestID           string    `json:"request_id"`
	PromptText          *string   `json:"prompt_text"`
	GeneratedText       *string   `json:"generated_text"`
	TokenCount          *int      `json:"token_count"`
	TimeToFirstToken    *float64  `json:"time_to_first_token"`
	TimePerOutputToken  *float64  `json:"time_per_output_token"`
	TotalGenerationTime *float64  `json:"total_generation_time"`
	Timestamp           time.Time `json:"timestamp"`
	JobID               *RunID    `json:"job_id"`
	Model               string    `json:"model"`
	Sample              bool      `json:"sample"`
}
