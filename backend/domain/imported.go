package domain

import "time"

// Imported says where a run comes from that was not measured here.
type Imported struct {
	Tool    string    `json:"tool"`    // vllm, guidellm, aiperf, llama-benchy, genai-bench, llama-bench or inferometer
	Name    string    `json:"name"`    // the tool as a person says it
	Version string    `json:"version"` // of the tool; empty where the file does not say
	Format  string    `json:"format"`  // which of the tool's files it was, e.g. vllm
	File    string    `json:"file"`    // name of the file, without its folder
	SHA256  string    `json:"sha256"`  // of the file
	At      time.Time `json:"at"`      // when it was imported
	// Requests is false where the file holds nothing but figures: those with the same definition as ours
	// stand in the summary as the file has them.
	Requests bool `json:"requests"`
	// Timed is false where the file does not say when its requests were sent, so that nothing that
	// depends on it is known: throughput, concurrency, duration.
	Timed bool `json:"timed"`
	// Figures are what the file says, by the tool's own definitions. Ours is the same figure as computed
	// here from the requests; null where there is none.
	Figures []LensRow `json:"figures"`
	Notes   []string  `json:"notes"` // what the file leaves open, and what was made of it
}

// ImportResult is the answer of POST /api/v1/import.
type ImportResult struct {
	Format  string   `json:"format"`
	Runs    []Run    `json:"runs"`    // those that were stored
	Results int      `json:"results"` // single results without a run, new ones and replaced ones
	Known   []RunID  `json:"known"`   // runs of the file that were here already; they stay as they are
	Signed  string   `json:"signed"`  // of a bundle: whose key signed it, by its fingerprint; else empty
	Notes   []string `json:"notes"`
}
