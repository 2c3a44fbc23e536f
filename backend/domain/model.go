package domain

import "time"

// Model is something that can be measured: a file on this machine, a row of the catalogue, or a
// model that an endpoint serves.
type Model struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Engine     string  `json:"engine"`      // llama-server, or the endpoint's kind
	EndpointID *string `json:"endpoint_id"` // set for models of an endpoint
	Installed  bool    `json:"installed"`
	Path       string  `json:"path,omitempty"`
	SizeBytes  *int64  `json:"size_bytes"`
	// SizeApproximate says that SizeBytes is rounded: the file has not been fetched yet.
	SizeApproximate bool       `json:"size_approximate"`
	SHA256          string     `json:"sha256"`
	License         string     `json:"license"`
	Source          string     `json:"source"` // catalogue, file, endpoint
	Base            bool       `json:"base"`   // a base model: raw completion, never chat
	Default         bool       `json:"default"`
	GGUF            *GGUFInfo  `json:"gguf"`
	Download        *Download  `json:"download"` // under way, paused or failed; null otherwise
	Error           string     `json:"error"`    // e.g. "File ends early: 3.2 of 5.0 GB."
	AddedAt         *time.Time `json:"added_at"`
	Runs            int        `json:"runs"`
	BestTokensPS    *float64   `json:"best_tokens_per_second"`
}

// GGUFInfo are the facts of a GGUF header.
type GGUFInfo struct {
	Version       uint32  `json:"version"`
	Architecture  string  `json:"architecture"`
	Name          string  `json:"name"`
	Parameters    int64   `json:"parameters"`
	Quantization  string  `json:"quantization"` // e.g. Q4_1
	BitsPerWeight float64 `json:"bits_per_weight"`
	ContextLength int     `json:"context_length"`
	Layers        int     `json:"layers"`
	EmbeddingSize int     `json:"embedding_length"`
	Heads         int     `json:"heads"`
	KVHeads       int     `json:"kv_heads"`
	VocabSize     int     `json:"vocab_size"`
	Tokenizer     string  `json:"tokenizer"`
	ChatTemplate  bool    `json:"chat_template"`
	License       string  `json:"license"`
	Tensors       int     `json:"tensors"`
}

// Download is the state of one download, also the payload of download.progress events.
type Download struct {
	ID         string   `json:"id"`     // model id, or "engine"
	State      string   `json:"state"`  // queued, running, verifying, installing, done, failed, canceled
	Source     string   `json:"source"` // which source serves it, in words
	DoneBytes  int64    `json:"done_bytes"`
	TotalBytes *int64   `json:"total_bytes"`
	BytesPerS  *float64 `json:"bytes_per_second"`
	Error      string   `json:"error"`
}

// Endpoint is the address of a remote engine.
type Endpoint struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	BaseURL   string    `json:"base_url"` // with /v1
	Kind      string    `json:"kind"`     // openai, ollama, llama
	HasKey    bool      `json:"has_key"`
	KeyFrom   string    `json:"key_from"` // keyring, env:NAME, memory, or empty
	CreatedAt time.Time `json:"created_at"`
}

// EndpointInput is the body of POST and PATCH endpoints. APIKey is write only; it goes to the
// system's keyring or, as env:NAME, names an environment variable.
type EndpointInput struct {
	Name    *string `json:"name,omitempty" maxLength:"100"`
	BaseURL *string `json:"base_url,omitempty" maxLength:"2048" doc:"http or https, usually ending in /v1"`
	Kind    *string `json:"kind,omitempty" doc:"openai, ollama or llama; default openai"`
	APIKey  *string `json:"api_key,omitempty" maxLength:"4096" doc:"Write only; env:NAME reads it from the environment"`
}

// EndpointCheck is the answer of POST endpoints/{id}/check.
type EndpointCheck struct {
	OK        bool     `json:"ok"`
	LatencyMs *float64 `json:"latency_ms"`
	Models    []string `json:"models"`
	Message   string   `json:"message"`
}

// EngineSpec is what the runner asks an engine to prepare.
type EngineSpec struct {
	Model    Model
	Slots    int // largest concurrency of the job
	Context  int // tokens per slot
	Threads  int // 0: max(1, cores-1)
	UseGPU   bool
	GPU      *int
	Progress func(note string, fraction *float64) // may be nil; called while loading
}

// EngineInfo says what is really in force after Prepare; stored with the run.
type EngineInfo struct {
	Kind          string   `json:"kind"`   // llama-server, openai
	Build         string   `json:"build"`  // e.g. b10434
	Source        string   `json:"source"` // where the binary came from, or the base URL
	BinaryPath    string   `json:"-"`
	BinarySHA256  string   `json:"binary_sha256"`
	ModelSHA256   string   `json:"model_sha256"`
	Args          []string `json:"args"` // without secrets
	PID           int      `json:"pid"`
	Threads       int      `json:"threads"`
	ContextTokens int      `json:"context_tokens"`
	Slots         int      `json:"slots"`
	GPUUsed       *bool    `json:"gpu_used"` // null: not verifiable
	GPUReason     string   `json:"gpu_reason"`
	LoadMs        *float64 `json:"load_ms"`
	ExactLength   bool     `json:"exact_length"` // output length can be enforced
	CacheOff      bool     `json:"cache_off"`    // the prompt cache is switched off
}

// Engine is one engine as GET /api/v1/engines shows it.
type Engine struct {
	ID        string    `json:"id"` // llama-server
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	State     string    `json:"state"` // stopped, starting, ready, stopping, failed, missing
	Build     string    `json:"build"`
	Path      string    `json:"path"`
	SHA256    string    `json:"sha256"`
	Source    string    `json:"source"`
	PID       int       `json:"pid"`
	Port      int       `json:"port"`
	Installed bool      `json:"installed"`
	Error     string    `json:"error"`
	Download  *Download `json:"download"`
}

// Dataset is a source of prompts. Built-in ones are registered at first start.
type Dataset struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Prompts     int       `json:"prompts"`
	Language    string    `json:"language"`
	Builtin     bool      `json:"builtin"`
	SHA256      string    `json:"sha256"`
	CreatedAt   time.Time `json:"created_at"`
}

// DatasetDetail is a dataset with its first prompts.
type DatasetDetail struct {
	Dataset
	Preview []Prompt `json:"preview"`
}

// Prompt is one input.
type Prompt struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	MaxTokens *int   `json:"max_tokens"` // overrides the plan's when set
}
