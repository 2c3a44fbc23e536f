package domain

import "time"

// What can limit a run.
const (
	LimitMemory  = "memory_bandwidth" // weights and cache are read as fast as memory delivers
	LimitCompute = "compute"          // arithmetic
	LimitCPU     = "cpu"              // too little processor: a quota, other programs, or one core that feeds a GPU
	LimitThermal = "thermal"          // heat held the clock down
	LimitPower   = "power"            // a power limit held the clock down
	LimitOffload = "offload"          // part of the model or all of it is not on the GPU
	LimitQueue   = "queue"            // requests wait for a free slot of the server
	LimitClient  = "client"           // the measuring program itself
	LimitUnknown = "unknown"          // no figure shows a limit
)

// Bottleneck says what limited a run. It names a cause only where a figure shows it.
type Bottleneck struct {
	Limit       string   `json:"limit" enum:"memory_bandwidth,compute,cpu,thermal,power,offload,queue,client,unknown"`
	Stage       int      `json:"stage"`        // index of the stage that was looked at
	Share       *float64 `json:"share"`        // reached ÷ ceiling; of the closest limit when none was found
	Reached     *float64 `json:"reached"`      // in Unit
	Ceiling     *float64 `json:"ceiling"`      // in Unit
	Unit        string   `json:"unit"`         // of both; empty when there is no ceiling
	CeilingFrom string   `json:"ceiling_from"` // how the ceiling is known
	Sentence    string   `json:"sentence"`
	// Evidence holds the readings that speak for the limit, and alarms beside it. RuledOut holds
	// limits that their reading excludes, NotJudged those without a reading, with the reason.
	Evidence  []LimitFact `json:"evidence"`
	RuledOut  []LimitFact `json:"ruled_out"`
	NotJudged []LimitFact `json:"not_judged"`
}

// LimitFact is one reading with what it says of one limit. Times count from the start of the run.
type LimitFact struct {
	About  string   `json:"about" enum:"memory_bandwidth,compute,cpu,thermal,power,offload,queue,client,unknown"`
	Claim  string   `json:"claim"`
	Value  *float64 `json:"value"`
	Limit  *float64 `json:"limit"` // the value from which on it would limit, or what it is held against
	Unit   string   `json:"unit"`
	FromUs *int64   `json:"from_us"`
	ToUs   *int64   `json:"to_us"`
}

// Bandwidth is what reading memory reached on this machine: an estimate of the peak, ± 20 %.
type Bandwidth struct {
	GBPerS     float64   `json:"gb_per_s"` // best of Rounds, 10^9 bytes
	Rounds     []float64 `json:"rounds"`   // GB/s of each round
	Threads    int       `json:"threads"`
	Bytes      int64     `json:"bytes"` // size of what was read over and over
	MeasuredAt time.Time `json:"measured_at"`
}

// BandwidthRequest is the optional body of POST system/bandwidth.
type BandwidthRequest struct {
	Threads *int `json:"threads,omitempty" minimum:"1" maximum:"1024" doc:"Threads that read; default as many as the embedded engine uses"`
}

// BandwidthEvent is the payload of bandwidth.progress.
type BandwidthEvent struct {
	Fraction float64 `json:"fraction"` // 0 to 1
	Note     string  `json:"note"`
}

// TheoreticalPeak is what the GPU's memory can deliver at most in GB/s: memory clock × bus width × 2,
// since data comes on both edges of the clock. Nil where the GPU does not tell, or is divided into
// instances that share it.
func (g GPUInfo) TheoreticalPeak() *float64 {
	if g.MemBusBits == nil || g.MaxMemClockMHz == nil || g.MIG != nil && *g.MIG {
		return nil
	}
	return new(*g.MaxMemClockMHz * 1e6 * float64(*g.MemBusBits) / 8 * 2 / 1e9)
}
