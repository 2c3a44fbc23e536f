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
	// TokenizerSHA256 is over all that the file says of its tokenizer: models of equal sums count tokens
	// alike. Empty when the file holds none.
	TokenizerSHA256 string `json:"tokenizer_sha256"`
	ChatTemplate    bool   `json:"chat_template"`
	License         string `json:"license"`
	Tensors         int    `json:"tensors"`
	// BytesPerToken is what generating one token reads of the weights: of experts the active share,
	// of a table of rows nothing. Null when a tensor has an unknown type.
	BytesPerToken *int64 `json:"bytes_per_token"`
	// KVBytesPerToken is what one token of context adds to what each further token reads, with a cache
	// of 16 bits a value. Null for models whose cache does not grow that way (sliding windows, states).
	KVBytesPerToken *int64 `json:"kv_bytes_per_token"`
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
	KeyFrom   string    `json:"key_from"` // keyring, env:NAME, file, or empty
	CreatedAt time.Time `json:"created_at"`
	// MetricsURLs show metrics of the endpoint's machines in the text format of Prometheus.
	MetricsURLs []string `json:"metrics_urls"`
}

// EndpointInput is the body of POST and PATCH endpoints. APIKey is write only; it goes to the
// system's keyring or, as env:NAME, names an environment variable.
type EndpointInput struct {
	Name    *string `json:"name,omitempty" maxLength:"100"`
	BaseURL *string `json:"base_url,omitempty" maxLength:"2048" doc:"http or https, usually ending in /v1"`
	Kind    *string `json:"kind,omitempty" doc:"openai, ollama or llama; default openai"`
	APIKey  *string `json:"api_key,omitempty" maxLength:"4096" doc:"Write only; env:NAME reads it from the environment"`
	// MetricsURLs replaces all of them.
	MetricsURLs *[]string `json:"metrics_urls,omitempty" maxItems:"16" doc:"Addresses that show metrics of its machines: node_exporter, DCGM exporter, /metrics of vLLM, SGLang or llama-server; read once a second while a benchmark of it runs"`
}

// EndpointCheckInput is the optional body of POST endpoints/{id}/check.
type EndpointCheckInput struct {
	ModelID  *string `json:"model_id,omitempty" maxLength:"512" doc:"Default: the first model the endpoint lists"`
	Generate *bool   `json:"generate,omitempty" doc:"Default true: a few short generations find out what the endpoint can do; false only lists its models"`
}

// EndpointCheck is the answer of POST endpoints/{id}/check.
type EndpointCheck struct {
	OK        bool     `json:"ok"`
	LatencyMs *float64 `json:"latency_ms"`
	Models    []string `json:"models"`
	Model     string   `json:"model"` // the one that was tried; empty when none
	Message   string   `json:"message"`
	// Checks are reachable, metrics (one for each address), streaming, usage, token_count, forced_length, prompt_cache and
	// server_timings, in this order, as far as they were made.
	Checks []EndpointProbe `json:"checks"`
}

// EndpointProbe is one thing that was tried at an endpoint.
type EndpointProbe struct {
	Code   string `json:"code"`
	State  string `json:"state"` // ok, caution, failed, unknown
	Detail string `json:"detail"`
}

// Discovered is a server found at one of the usual local ports.
type Discovered struct {
	BaseURL    string   `json:"base_url"` // as POST endpoints takes it
	Kind       string   `json:"kind"`     // openai, ollama, llama
	Name       string   `json:"name"`     // e.g. Ollama 0.12.3
	Version    string   `json:"version"`
	Models     []string `json:"models"`
	NeedsKey   bool     `json:"needs_key"`
	EndpointID *string  `json:"endpoint_id"` // set when it is registered already
}

// EngineSpec is what the runner asks an engine to prepare.
type EngineSpec struct {
	Model   Model
	Slots   int // largest concurrency of the job
	Context int // tokens per slot
	Threads int // 0: max(1, cores-1)
	Options EngineOptions
	// Requests is how many generations the run will send, 0 when not known; no more connections
	// than this are opened ahead.
	Requests int
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
	GPULayers     *int     `json:"gpu_layers"` // of Layers; null when the engine does not say
	Layers        *int     `json:"layers"`     // as the engine counts them, output layer included
	LoadMs        *float64 `json:"load_ms"`
	ExactLength   bool     `json:"exact_length"` // output length can be enforced
	CacheOff      bool     `json:"cache_off"`    // the prompt cache can be switched off, and is unless the plan wants it
	Tokenizer     bool     `json:"tokenizer"`    // the engine counts tokens of any text
	Version       string   `json:"version"`      // of a remote server, where it says so
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
	// Builds are all that are on this machine; the first is the one that measures unless a benchmark names another.
	Builds []EngineBuild `json:"builds"`
}

// EngineBuild is one build of the embedded engine on this machine.
type EngineBuild struct {
	ID     string `json:"id"` // own, path, or the folder that it is installed in
	Build  string `json:"build"`
	Source string `json:"source"`
	SHA256 string `json:"sha256"`
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
	Preview   []Prompt       `json:"preview"`
	Histogram TokenHistogram `json:"histogram"`
}

// DatasetImport is what an import found: the dataset it made (or would make, for a preview), and
// the lines it could not take.
type DatasetImport struct {
	Dataset
	Format    string         `json:"format"` // jsonl, csv, json, sharegpt, messages, trace
	Stored    bool           `json:"stored"` // false for a preview
	Rejected  []LineError    `json:"rejected"`
	Preview   []Prompt       `json:"preview"`
	Histogram TokenHistogram `json:"histogram"`
}

// LineError says what is wrong with one line (or record) of a file.
type LineError struct {
	Line    int    `json:"line"` // from 1
	Message string `json:"message"`
}

// TokenHistogram shows the lengths of prompts in tokens, estimated from words and signs: the exact
// count depends on the model.
type TokenHistogram struct {
	Bins      []TokenBin `json:"bins"`
	Mean      *float64   `json:"mean"`
	P50       *float64   `json:"p50"`
	P95       *float64   `json:"p95"`
	Max       *int       `json:"max"`
	Estimated bool       `json:"estimated"`
}

// TokenBin counts prompts of From ≤ tokens < To.
type TokenBin struct {
	From  int `json:"from"`
	To    int `json:"to"`
	Count int `json:"count"`
}

// Prompt is one input: one user message, or the first of a conversation.
type Prompt struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	MaxTokens *int   `json:"max_tokens"` // overrides the plan's when set
	// History is said before Text, a system message included.
	History []Message `json:"history,omitempty"`
	// Turns are further user messages of the same conversation, each sent after the answer to the
	// one before. Answer is the dataset's own answer to the message before it, used as history
	// where a turn is sent without waiting (open loops).
	Turns []Turn `json:"turns,omitempty"`
	// InputTokens asks for a made text of this length in place of Text (traces without texts).
	InputTokens *int `json:"input_tokens,omitempty"`
	// AtMs is when a trace sends it, from the start of the trace.
	AtMs *float64 `json:"at_ms,omitempty"`
	// SharedPrefix is the length in bytes of the start of Text that other prompts share.
	SharedPrefix int `json:"shared_prefix,omitempty"`
}

// Turn is one further user message of a conversation.
type Turn struct {
	Answer    string `json:"answer,omitempty"`
	Text      string `json:"text"`
	MaxTokens *int   `json:"max_tokens,omitempty"`
}
