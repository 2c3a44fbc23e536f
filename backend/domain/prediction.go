package domain

// PredictionQuery asks what models would give on this machine. Nil or empty: as it is.
type PredictionQuery struct {
	ModelID       string // empty: all models of this machine and of the catalogue
	ContextTokens int    // that each written token looks back on
	Quantization  string // of the model's weights, in place of the file's own
	BandwidthGBPS *float64
}

// Predictions are what this machine's own runs let expect, with how often that was right so far.
type Predictions struct {
	ContextTokens int      `json:"context_tokens"`
	Quantization  string   `json:"quantization"`  // empty: as each file is
	BandwidthGBPS *float64 `json:"bandwidth_gbs"` // null: this machine's own
	// Fit is what was learnt from the runs; null where there is nothing to learn from, with the reason.
	Fit    *PredictionFit  `json:"fit"`
	Reason string          `json:"reason"`
	Score  PredictionScore `json:"score"`
	Items  []Prediction    `json:"items"`
}

// Prediction is what one model would give, one request at a time.
type Prediction struct {
	ModelID       string          `json:"model_id"`
	Name          string          `json:"name"`
	Quantization  string          `json:"quantization"`
	BytesPerToken *float64        `json:"bytes_per_token"`           // of weights and cache at the asked depth; null where not known
	Decode        *PredictedSpeed `json:"decode_tokens_per_second"`  // null with the reason
	Prefill       *PredictedSpeed `json:"prefill_tokens_per_second"` // null with the reason
	DecodeReason  string          `json:"decode_reason"`
	PrefillReason string          `json:"prefill_reason"`
	Notes         []string        `json:"notes"`                      // what the figures rest on, where that is not the file's own header
	Measured      *float64        `json:"measured_tokens_per_second"` // the best that was measured, whatever its depth; null without a run
}

// PredictedSpeed is a speed with the range that holds the true one in 95 of 100 cases.
type PredictedSpeed struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// PredictionFit is the line through this machine's runs: time of a token = overhead + bytes ÷ speed.
type PredictionFit struct {
	Device        string   `json:"device"` // the processor or the GPUs that the runs used
	Threads       int      `json:"threads"`
	Runs          int      `json:"runs"`
	Points        int      `json:"points"`  // model files and depths among them
	Models        int      `json:"models"`  // model files
	Caution       bool     `json:"caution"` // no run was valid, so those with a caution were taken
	GBPerS        float64  `json:"gb_per_s"`
	OverheadMs    float64  `json:"overhead_ms"`    // of each token, whatever the model
	PeakGBPerS    *float64 `json:"peak_gb_per_s"`  // that memory can deliver; null where not measured
	SpreadPercent float64  `json:"spread_percent"` // how far a file and depth lie off the line
	Sentence      string   `json:"sentence"`
}

// PredictionScore holds each run against what all others would have predicted for it.
type PredictionScore struct {
	Held               int               `json:"held"`
	Total              int               `json:"total"`
	MedianErrorPercent *float64          `json:"median_error_percent"` // null without a run that can be held
	Sentence           string            `json:"sentence"`
	Runs               []PredictionCheck `json:"runs"` // the newest first
}

// PredictionCheck is one run against its prediction, made without the runs of its own file and depth.
type PredictionCheck struct {
	JobID         RunID          `json:"job_id"`
	Stage         int            `json:"stage"`
	Model         string         `json:"model"`
	Quantization  string         `json:"quantization"`
	ContextTokens int            `json:"context_tokens"`
	Predicted     PredictedSpeed `json:"predicted"`
	Measured      float64        `json:"measured"`
	Held          bool           `json:"held"`
}
