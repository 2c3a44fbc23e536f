package domain

// The figures of single requests whose distribution can be asked for, as comparisons name them.
const (
	RequestTTFT   = "ttft_ms"
	RequestTPOT   = "tpot_ms"
	RequestDecode = "decode_tokens_per_second"
	RequestE2E    = "e2e_ms"
	RequestITL    = "itl_ms" // every gap between two chunks is one value
)

// DistributionQuery asks how a figure spreads within runs.
type DistributionQuery struct {
	Runs   []RunID
	Metric string
	Load   string // the name of a stage; empty: the stage that each run is spoken of by
	Points int
}

// Distribution is how one figure spreads over the successful measured requests of one run. It says nothing of how
// runs differ.
type Distribution struct {
	ID    RunID `json:"job_id"`
	Stage *int  `json:"stage"` // index of the stage; null for a job of one
	N     int   `json:"n"`     // requests; gaps for itl_ms
	// Values are the quantiles at even steps, from the least to the largest value; empty without a value.
	Values []float64 `json:"values"`
}
