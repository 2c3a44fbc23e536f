// Package backend holds no code: it is the map of the packages below it. ARCHITECTURE.md tells how
// they work together, and rules_test.go holds them to it.
//
//   - domain: the nouns with their JSON names; everything imports it, it imports nothing
//   - config: settings from flags, environment, .env file and store, each with its origin
//   - load: when requests start
//   - workload: what is sent: built-in prompts and datasets
//   - engine: who answers; engine/llama runs a local server, engine/openai speaks to a remote one
//   - scrape: metrics of other machines, in the text format of Prometheus
//   - gguf: what the header of a model file tells
//   - bandwidth: how fast this machine reads memory
//   - library: models and engines on this machine, and how to get more
//   - telemetry: CPU, memory, GPU and power at a steady rate
//   - runner: the phases of one run
//   - stats: summaries and warnings out of raw records; pure
//   - verdict: what limited a run, by its figures and readings; pure
//   - store: SQLite; raw records are the truth
//   - stream: live events, numbered and bounded
//   - service: the operations; the product is here
//   - api: the operations over HTTP
//
// The program itself, where the concrete types meet, is package app beside this folder.
package backend
