/** The JSON shapes of the REST contract. Null means "not measured" or "not known yet", never zero. */

export type Status = 'queued' | 'running' | 'completed' | 'failed' | 'canceled' | 'interrupted'
export type Phase = 'idle' | 'prepare' | 'settle' | 'warmup' | 'measure' | 'drain' | 'stop'
export type Verdict = 'valid' | 'caution' | 'invalid'
export type CheckState = 'ok' | 'caution' | 'invalid' | 'unknown'
export type Outcome = 'ok' | 'error' | 'incomplete' | 'canceled'
export type LoadKind = 'single' | 'closed'
export type EndpointKind = 'openai' | 'ollama' | 'llama'

export interface Load {
  kind: LoadKind
  concurrency?: number
  think_time_ms?: number
}

export interface Stop {
  requests?: number
  duration_s?: number
  tokens?: number
  errors?: number
}

export interface BenchmarkRequest {
  model_id: string
  prompt?: string
  dataset_id?: string
  task?: string
  max_tokens?: number
  temperature?: number
  top_p?: number
  use_gpu?: boolean
  seed?: number
  engine?: string
  endpoint_id?: string
  load?: Load
  stop?: Stop
  warmup?: number
  repeat?: number
  gpu?: number
  name?: string
  tags?: string[]
  notes?: string
  store_text?: boolean
}

export interface Plan {
  model_id: string
  dataset_id: string | null
  prompt: string | null
  task: string
  max_tokens: number
  temperature: number
  top_p: number
  seed: number
  use_gpu: boolean
  use_gpu_explicit: boolean
  gpu: number | null
  engine: string
  endpoint_id: string | null
  load: Load
  stop: Stop
  warmup: number
  repeat: number
  store_text: boolean
  raw_completion: boolean
  phases: Phase[]
  expected_requests: number | null
  expected_s: number | null
}

export interface Stats {
  mean: number | null
  p50: number | null
  p90: number | null
  p95: number | null
  p99: number | null
  min: number | null
  max: number | null
  n: number
}

export interface OutcomeCounts {
  ok: number
  error: number
  incomplete: number
  canceled: number
}

export interface TokenCounts {
  prompt: number | null
  output: number
  cached: number | null
  from: string
}

export interface ServerSummary {
  decode_tokens_per_second: number | null
  prefill_tokens_per_second: number | null
  n: number
}

export interface StageSummary {
  ttft_ms: Stats
  itl_ms: Stats
  tpot_ms: Stats
  e2e_ms: Stats
  output_tokens_per_second: number | null
  requests: OutcomeCounts
}

export interface Stage {
  name: string
  concurrency: number
  summary: StageSummary | null
}

export interface Summary {
  ttft_ms: Stats
  ttfr_ms: Stats
  ttfv_ms: Stats
  itl_ms: Stats
  tpot_ms: Stats
  e2e_ms: Stats
  output_tokens_per_second: number | null
  decode_tokens_per_second: number | null
  prefill_tokens_per_second: number | null
  prefill_lower_bound: boolean
  requests_per_second: number | null
  requests: OutcomeCounts
  tokens: TokenCounts
  delivered_concurrency: number | null
  window_s: number | null
  finish_reasons: Record<string, number> | null
  error_classes: Record<string, number> | null
  server: ServerSummary
  stages: Stage[]
}

export interface Warning {
  code: string
  message: string
  level: 'info' | 'caution' | 'invalid'
}

export interface Check {
  code: string
  state: CheckState
  value: number | null
  limit: number | null
  unit: string
  detail: string
}

export interface Validity {
  verdict: Verdict
  checks: Check[]
}

export interface HardwarePeak {
  cpu_usage_percent: number | null
  ram_usage_gb: number | null
  gpu_usage_percent: number | null
  vram_usage_gb: number | null
  power_w: number | null
}

export interface DeviceMetrics {
  index: number
  name: string
  gpu_usage_percent: number | null
  vram_usage_gb: number | null
  power_w: number | null
  temp_c: number | null
}

export interface HardwareMetrics extends HardwarePeak {
  peak: HardwarePeak
  devices: DeviceMetrics[]
  reasons: Record<string, string> | null
  samples: number
}

export interface Progress {
  phase: Phase
  phase_elapsed_s: number
  fraction: number | null
  done: number
  total: number | null
  in_flight: number
  errors: number
  elapsed_s: number
  left_s: number | null
  note: string
  tokens_per_second: number | null
  ttft_ms: number | null
  tpot_ms: number | null
  output_tokens: number
}

export interface RunError {
  kind: string
  message: string
  hint?: string
  log_tail?: string
}

export interface GPUInfo {
  index: number
  name: string
  uuid: string
  vram_total_gb: number | null
  power_limit_w: number | null
  driver: string
  compute_capability: string
  pcie_gen: number | null
  pcie_width: number | null
}

export interface EngineInfo {
  kind: string
  build: string
  source: string
  binary_sha256: string
  model_sha256: string
  args: string[]
  pid: number
  threads: number
  context_tokens: number
  slots: number
  gpu_used: boolean | null
  gpu_reason: string
  load_ms: number | null
  exact_length: boolean
  cache_off: boolean
}

export interface Environment {
  env_id: string
  app_version: string
  os: string
  kernel: string
  arch: string
  cpu_model: string
  cpu_threads: number
  ram_total_gb: number
  virtualization: string
  gpus: GPUInfo[]
  engine: EngineInfo
  telemetry_rate_hz: number
  load1_before: number | null
  extra: Record<string, string> | null
}

/** A job; every key is always present. */
export interface Run {
  job_id: string
  name: string
  model: string
  engine: string
  task: string
  status: Status
  created_at: string
  started_at: string | null
  ended_at: string | null
  duration: number | null
  tokens_generated: number | null
  output: string | null
  hardware_metrics: HardwareMetrics
  plan: Plan
  progress: Progress | null
  summary: Summary | null
  validity: Validity | null
  warnings: Warning[]
  environment: Environment | null
  error: RunError | null
  tags: string[]
  notes: string
  pinned: boolean
  sample: boolean
  deleted_at: string | null
}

export interface RunPatch {
  name?: string
  tags?: string[]
  notes?: string
  pinned?: boolean
}

export interface ServerTimings {
  prompt_tokens: number
  cached_tokens: number
  prompt_ms: number
  predicted_tokens: number
  predicted_ms: number
}

/** The raw record of one generation. Offsets are microseconds from the moment of sending. */
export interface RequestRecord {
  n: number
  request_id: string
  phase: Phase
  outcome: Outcome
  error_class?: string
  error_message?: string
  started_at: string
  sent_us: number
  first_byte_us: number | null
  ttft_us: number | null
  ttfv_us: number | null
  last_us: number | null
  closed_us: number | null
  tpot_us: number | null
  prompt_tokens: number | null
  output_tokens: number | null
  cached_tokens: number | null
  tokens_from: string
  finish_reason: string
  server: ServerTimings | null
  chunk_us?: number[]
  prompt?: string
  output?: string
  prompt_sha256?: string
}

export interface PhaseChange {
  phase: Phase
  t_us: number
  at: string
}

export interface GPUSample {
  index: number
  gpu_usage_percent: number | null
  memory_bus_percent: number | null
  vram_usage_gb: number | null
  power_w: number | null
  temp_c: number | null
  clock_mhz: number | null
}

export interface Sample {
  timestamp: string
  t_ms: number
  phase: Phase
  cpu_usage_percent: number | null
  cpu_cores_percent: number[] | null
  ram_usage_gb: number | null
  swap_usage_gb: number | null
  engine_cpu_percent: number | null
  engine_rss_gb: number | null
  self_cpu_percent: number | null
  gpu_usage_percent: number | null
  vram_usage_gb: number | null
  power_w: number | null
  gpu_temp_c: number | null
  gpus: GPUSample[] | null
  late_ms: number
}

export interface SensorInfo {
  key: string
  name: string
  unit: string
  source: string
  available: boolean
  reason: string
}

export interface Telemetry {
  rate_hz: number
  ticks: number
  missed: number
  self_cpu_percent: number | null
  late_p99_ms: number | null
}

export interface AppInfo {
  version: string
  commit: string
  data_dir: string
  database_bytes: number
  address: string
  address_note: string
  debug: boolean
  window: boolean
}

export interface System {
  hostname: string
  os: string
  kernel: string
  arch: string
  cpu_model: string
  cpu_cores: number
  cpu_threads: number
  ram_total_gb: number
  virtualization: string
  gpus: GPUInfo[]
  gpu_reason: string
  sensors: SensorInfo[]
  telemetry: Telemetry
  app: AppInfo
}

export interface Download {
  id: string
  state: 'queued' | 'running' | 'verifying' | 'installing' | 'done' | 'failed' | 'canceled'
  source: string
  done_bytes: number
  total_bytes: number | null
  bytes_per_second: number | null
  error: string
}

export interface GGUFInfo {
  version: number
  architecture: string
  name: string
  parameters: number
  quantization: string
  bits_per_weight: number
  context_length: number
  layers: number
  embedding_length: number
  heads: number
  kv_heads: number
  vocab_size: number
  tokenizer: string
  chat_template: boolean
  license: string
  tensors: number
}

export interface Model {
  id: string
  name: string
  engine: string
  endpoint_id: string | null
  installed: boolean
  path?: string
  size_bytes: number | null
  sha256: string
  license: string
  source: string
  base: boolean
  default: boolean
  gguf: GGUFInfo | null
  download: Download | null
  error: string
  added_at: string | null
  runs: number
  best_tokens_per_second: number | null
}

export interface Endpoint {
  id: string
  name: string
  base_url: string
  kind: EndpointKind
  has_key: boolean
  key_from: string
  created_at: string
}

export interface EndpointInput {
  name?: string
  base_url?: string
  kind?: EndpointKind
  api_key?: string
}

export interface EndpointCheck {
  ok: boolean
  latency_ms: number | null
  models: string[] | null
  message: string
}

export interface Engine {
  id: string
  name: string
  kind: string
  state: 'stopped' | 'starting' | 'ready' | 'stopping' | 'failed' | 'missing'
  build: string
  path: string
  sha256: string
  source: string
  pid: number
  port: number
  installed: boolean
  error: string
  download: Download | null
}

export interface Prompt {
  id: string
  text: string
  max_tokens: number | null
}

export interface Dataset {
  id: string
  name: string
  description: string
  prompts: number
  language: string
  builtin: boolean
  sha256: string
  created_at: string
}

export interface DatasetDetail extends Dataset {
  preview: Prompt[]
}

export interface Averages {
  avg_token_count: number | null
  avg_time_to_first_token: number | null
  avg_time_per_output_token: number | null
  avg_total_generation_time: number | null
  count: number
  counts: {
    token_count: number
    time_to_first_token: number
    time_per_output_token: number
    total_generation_time: number
  }
}

export interface Result {
  request_id: string
  prompt_text: string | null
  generated_text: string | null
  token_count: number | null
  time_to_first_token: number | null
  time_per_output_token: number | null
  total_generation_time: number | null
  timestamp: string
  job_id: string | null
  model: string
  sample: boolean
}

export interface Health {
  status: 'ok' | 'unwell'
  version: string
  uptime_s: number
  reasons: string[] | null
}

export interface DoctorReport {
  ok: boolean
  checks: Check[]
  text: string
}

export interface Preflight {
  ready: boolean
  checks: Check[]
}

export type SettingValue = string | number | boolean | string[] | null

export interface Setting {
  key: string
  value: SettingValue
  origin: 'flag' | 'env' | 'dotenv' | 'stored' | 'default'
  locked: boolean
  help: string
}

export interface Settings {
  items: Setting[]
}

export interface SettingsPatch {
  theme?: string
  language?: string
  debug?: boolean
  telemetry_hz?: number
  api_enabled?: boolean
  api_addr?: string
  allowed_hosts?: string[]
  engine_path?: string
  models_dir?: string
  store_text?: boolean
  onboarding_done?: boolean
}

export interface LogRecord {
  at: string
  level: string
  component: string
  message: string
  attrs: Record<string, string> | null
}

export interface SpeedPoint {
  t_ms: number
  tokens_per_second: number
  itl_p50_ms: number | null
}

export interface InFlight {
  n: number
  phase: 'prefill' | 'decode'
  age_ms: number
  ttft_ms: number | null
  tokens: number
  tokens_per_second: number | null
}

export interface RunPhaseEvent extends PhaseChange {
  job_id: string
}

export interface RunProgressEvent {
  job_id: string
  progress: Progress
  requests: RequestRecord[] | null
  in_flight: InFlight[] | null
  text: string
  text_of: number | null
  speed: SpeedPoint[] | null
}

export interface TelemetryEvent {
  job_id: string
  samples: Sample[] | null
}

/** The payload of each live event by its kind. */
export interface LiveEvents {
  'run.created': Run
  'run.phase': RunPhaseEvent
  'run.progress': RunProgressEvent
  'run.finished': Run
  telemetry: TelemetryEvent
  'download.progress': Download
  log: LogRecord
  reset: unknown
}

export type LiveKind = keyof LiveEvents

/** The envelope of a live event, the same in the window and over server-sent events. */
export type LiveEvent = {
  [K in LiveKind]: { id: string; kind: K; at: string; data: LiveEvents[K] }
}[LiveKind]

/** The body of an RFC 9457 problem. */
export interface ProblemBody {
  type?: string
  title?: string
  status?: number
  detail?: string
  instance?: string
  hint?: string
  errors?: { message: string; location: string }[] | null
}
