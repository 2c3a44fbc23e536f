package domain

import "time"

// Stats summarises one metric. P99 is nil below n = 100. Percentiles interpolate linearly. Intervals and
// Outliers are nil where the values are no sample of requests, such as the gaps within answers, and of runs
// whose figures an earlier version made.
type Stats struct {
	Mean *float64 `json:"mean"`
	P50  *float64 `json:"p50"`
	P90  *float64 `json:"p90"`
	P95  *float64 `json:"p95"`
	P99  *float64 `json:"p99"`
	Min  *float64 `json:"min"`
	Max  *float64 `json:"max"`
	N    int      `json:"n"`

	Intervals *StatsIntervals `json:"intervals"`
	Outliers  *Outliers       `json:"outliers"`
	Reason    string          `json:"reason"` // why a percentile or an interval is missing; empty where none is
}

// Summary is what a run's records say, computed by pure code. The figures pool every measured
// request of the run; with several stages each has its own in Stages.
type Summary struct {
	Figures
	Stages []Stage `json:"stages"`
	// BestStage is the index of the stage with the highest output throughput among those that met
	// every objective (among all when none did); null for a run of one stage.
	BestStage *int `json:"best_stage"`
	// Knee is what a search for the limit found; null for any other load.
	Knee *Knee `json:"knee"`
	// Steady compares the speed at the start with the one that is held; null for runs of several stages
	// or of less than a minute.
	Steady *Steady `json:"steady"`
}

// Steady says what speed a machine holds: decode speed in the first ten seconds of writing and in the
// steady state. Where none was reached, the last quarter counts as sustained.
type Steady struct {
	BurstTokensPerSecond     float64  `json:"burst_tokens_per_second"`
	SustainedTokensPerSecond float64  `json:"sustained_tokens_per_second"`
	LossPercent              float64  `json:"loss_percent"` // of the burst; negative: it got faster
	Reached                  bool     `json:"reached"`
	TimeToSteadyS            *float64 `json:"time_to_steady_s"` // from the first token on; null where none was reached
	SteadyFromUs             *int64   `json:"steady_from_us"`   // the same moment, from the start of the run
	Sentence                 string   `json:"sentence"`
}

// Knee is the result of a search for the highest load.
type Knee struct {
	Stage  *int   `json:"stage"`  // index of the highest load that held; null when the lowest broke
	Reason string `json:"reason"` // objective, errors, throughput, limit, stopped: what ended the rise
	Detail string `json:"detail"`
}

// Figures are the metrics of a set of requests. Latencies count successful requests only.
type Figures struct {
	TTFTMs                 Stats          `json:"ttft_ms"`
	TTFRMs                 Stats          `json:"ttfr_ms"`
	TTFVMs                 Stats          `json:"ttfv_ms"`
	ITLMs                  Stats          `json:"itl_ms"`
	TPOTMs                 Stats          `json:"tpot_ms"`
	E2EMs                  Stats          `json:"e2e_ms"`
	NTPOTMs                Stats          `json:"ntpot_ms"`            // E2E ÷ output tokens
	ITLPerTokenMs          Stats          `json:"itl_per_token_ms"`    // each gap ÷ the tokens of its chunk, once per token
	DueTTFTMs              Stats          `json:"ttft_from_due_ms"`    // open loop: from the due time (coordinated omission)
	DueE2EMs               Stats          `json:"e2e_from_due_ms"`     // open loop: from the due time
	LatenessMs             Stats          `json:"lateness_ms"`         // open loop: send − due, all sent requests
	Goodput                *Goodput       `json:"goodput"`             // null without objectives
	AskedConcurrency       *int           `json:"asked_concurrency"`   // null for an open loop
	AskedRatePerS          *float64       `json:"asked_rate_per_s"`    // null for a closed loop
	ArrivalsPerSecond      *float64       `json:"arrivals_per_second"` // (due arrivals − 1) ÷ time between the first and the last, dropped ones included
	LengthShortfall        int            `json:"length_shortfall"`    // requests that ended below max_tokens by themselves
	Draft                  *DraftSummary  `json:"draft"`               // null without speculative decoding
	ClockDeltaPercent      *float64       `json:"clock_delta_percent"` // client decode speed against the server's; null without it
	TokensPerChunk         *float64       `json:"tokens_per_chunk"`    // output tokens ÷ content chunks
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
	Energy                 *Energy        `json:"energy"` // null when nothing was measured
	// Intervals are null where they were not computed: while a run is under way, and by earlier versions.
	Intervals *FigureIntervals `json:"intervals"`
}

// Goodput counts what succeeded and met every objective, each taken for one request.
type Goodput struct {
	RequestsPerSecond *float64 `json:"requests_per_second"`
	TokensPerSecond   *float64 `json:"tokens_per_second"`
	Met               int      `json:"met"`
	Fraction          *float64 `json:"fraction"` // of all measured requests, failed and dropped ones included
}

// DraftSummary is how well speculative decoding guessed.
type DraftSummary struct {
	Tokens     int      `json:"tokens"`
	Accepted   int      `json:"accepted"`
	Acceptance *float64 `json:"acceptance"` // 0 to 1
}

// OutcomeCounts counts measured requests by outcome.
type OutcomeCounts struct {
	OK         int `json:"ok"`
	Error      int `json:"error"`
	Incomplete int `json:"incomplete"`
	Canceled   int `json:"canceled"`
	Dropped    int `json:"dropped"` // arrivals that were never sent
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
	Index       int      `json:"index"`
	Name        string   `json:"name"`        // e.g. closed:8, poisson:5/s
	Concurrency int      `json:"concurrency"` // users; 0 for an open loop
	RatePerS    *float64 `json:"rate_per_s"`  // asked arrivals; null for a closed loop
	DepthTokens *int     `json:"depth_tokens"`
	StartUs     *int64   `json:"start_us"` // from the start of the run
	EndUs       *int64   `json:"end_us"`
	State       string   `json:"state"` // planned, done, partial
	// Objectives says of each objective whether its percentile met the limit; empty without any.
	Objectives []ObjectiveResult `json:"objectives"`
	Hardware   *HardwareMetrics  `json:"hardware"`
	Summary    *Figures          `json:"summary"` // null when nothing was measured
	Course     *Course           `json:"course"`  // null when nothing was measured, and of earlier versions
}

// ObjectiveResult is one objective with what a stage reached.
type ObjectiveResult struct {
	Objective Objective `json:"objective"`
	ValueMs   *float64  `json:"value_ms"`
	Met       bool      `json:"met"`
}

// Lens is a report as another tool would compute it from the same stamps.
type Lens struct {
	Tool string    `json:"tool"` // vllm, aiperf, guidellm, llama-bench, llmperf
	Name string    `json:"name"` // as a person says it, with the version whose definitions are used
	Rows []LensRow `json:"rows"`
}

// LensRow is one figure of a Lens. Ours is the same run by our own definition; null when we have
// no such metric.
type LensRow struct {
	Key        string   `json:"key"`   // as the tool writes it, e.g. mean_ttft_ms
	Label      string   `json:"label"` // as the tool prints it
	Unit       string   `json:"unit"`
	Value      *float64 `json:"value"`
	Ours       *float64 `json:"ours"`
	Definition string   `json:"definition"`
}

// RunReport is the answer of GET benchmarks/{id}/report.
type RunReport struct {
	Run    Run    `json:"run"`
	Lenses []Lens `json:"lenses"`
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
	// Interference names the processes that took most of the processor while the run was contended.
	Interference []Interference `json:"interference"`
}

// Add takes a check in; the verdict is the worst of all of them. One that is unknown does not lower it.
func (v *Validity) Add(c Check) {
	v.Checks = append(v.Checks, c)
	switch {
	case c.State == "invalid":
		v.Verdict = "invalid"
	case c.State == "caution" && v.Verdict == "valid":
		v.Verdict = "caution"
	}
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
