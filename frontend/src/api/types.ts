import type { components } from './schema'

/**
 * The JSON shapes of the REST contract, by their short names. They come from the generated schema; what
 * is written here only narrows words that the contract leaves open as text. Null means "not measured"
 * or "not known yet", never zero.
 */
type S = components['schemas']
type With<T, P> = Omit<T, keyof P> & P

export type Status = 'queued' | 'running' | 'completed' | 'failed' | 'canceled' | 'interrupted'
export type Phase = 'idle' | 'prepare' | 'settle' | 'warmup' | 'measure' | 'rest' | 'cooldown' | 'drain' | 'stop'
export type Verdict = 'valid' | 'caution' | 'invalid'
export type CheckState = 'ok' | 'caution' | 'invalid' | 'unknown'
export type Outcome = 'ok' | 'error' | 'incomplete' | 'canceled' | 'dropped'
export type LoadKind = S['Load']['kind']
export type EndpointKind = 'openai' | 'ollama' | 'llama'

// A benchmark and what it asks for
export type Load = S['Load']
export type Objective = S['Objective']
export type Metric = Objective['metric']
export type Lengths = S['Lengths']
export type Synthetic = S['Synthetic']
export type StageInput = S['StageInput']
export type PlanStage = S['PlanStage']
export type Stop = S['Stop']
// What is not given is left out here, though null would do as well.
type Given<T> = { [K in keyof T]: Exclude<T[K], null> }
export type BenchmarkRequest = With<Given<S['BenchmarkRequest']>, { slo?: Objective[] }>
export type Plan = With<S['Plan'], { phases: Phase[] }>
export type Progress = With<S['Progress'], { phase: Phase }>
export type RunError = S['RunError']
export type RunPatch = S['RunPatch']
export type Run = With<S['Run'], { status: Status; plan: Plan; progress: Progress | null; validity: Validity | null; warnings: Warning[] }>

// Its figures
export type Stats = S['Stats']
export type Predictions = S['Predictions']
export type Prediction = S['Prediction']
export type OutcomeCounts = S['OutcomeCounts']
export type TokenCounts = S['TokenCounts']
export type ServerSummary = S['ServerSummary']
export type Figures = S['Figures']
export type Knee = S['Knee']
export type Stage = S['Stage']
export type Summary = S['Summary']
export type Warning = With<S['Warning'], { level: 'info' | 'caution' | 'invalid' }>
export type Check = With<S['Check'], { state: CheckState }>
export type Validity = With<S['Validity'], { verdict: Verdict; checks: Check[] }>
export type Bottleneck = S['Bottleneck']
export type LimitFact = S['LimitFact']
export type EnergyScope = S['EnergyScope']
export type HardwarePeak = S['HardwarePeak']
export type DeviceMetrics = S['DeviceMetrics']
export type HardwareMetrics = S['HardwareMetrics']
export type Lens = S['Lens']
export type ClientHealth = S['ClientHealth']
export type Averages = S['Averages']
export type Result = S['Result']

// Finding and keeping order
export type Search = S['Search']
export type SearchHit = S['SearchHit']
export type SearchMatch = S['SearchMatch']
export type SnippetPart = S['SnippetPart']
export type ViewFilters = S['ViewFilters']
export type ViewInput = S['ViewInput']
export type SavedView = S['SavedView']
export type Storage = S['Storage']
export type StoragePart = S['StoragePart']
export type Backup = S['Backup']
export type Compacted = S['Compacted']
export type StorageWork = S['StorageWork']
export type Move = S['Move']
export type OldData = S['OldData']
export type Retention = S['Retention']
export type RetentionPart = S['RetentionPart']
export type RetentionRules = Pick<Retention, 'trash_days' | 'drop_texts_days' | 'drop_telemetry_days'>

// Its records
export type StageMark = S['StageMark']
export type ServerTimings = S['ServerTimings']
export type RequestRecord = With<S['RequestRecord'], { phase: Phase; outcome: Outcome }>
export type PhaseChange = With<S['PhaseChange'], { phase: Phase }>
export type GPUSample = With<S['GPUSample'], { limit_reasons: string[] | null }>
export type RemoteSample = With<S['RemoteSample'], { gpus: GPUSample[] }>
export type Sample = With<S['Sample'], { phase: Phase; gpus: GPUSample[]; remote: RemoteSample[] | null }>

// Runs against one another
export type ComparisonRequest = S['ComparisonRequest']
export type SideInput = S['SideInput']
export type Effect = With<S['Effect'], { verdict: EffectVerdict; interval: [number, number] | null }>
export type EffectVerdict = 'better' | 'worse' | 'equivalent' | 'no_difference' | 'too_few' | 'untested'
export type ComparisonValue = With<S['ComparisonValue'], { interval: [number, number] | null; effect: Effect | null }>
export type ComparisonMetric = With<S['ComparisonMetric'], { better: 'higher' | 'lower'; values: ComparisonValue[] }>
export type Distribution = S['Distribution']
export type ComparisonSide = S['ComparisonSide']
export type Difference = With<S['Difference'], { about: 'model' | 'engine' | 'settings' | 'machine' }>
export type ComparisonLoad = With<S['ComparisonLoad'], { metrics: ComparisonMetric[] }>
export type ComparisonCause = With<S['ComparisonCause'], { values: string[] | null }>
export type ComparisonOdd = S['ComparisonOdd']
export type Comparison = With<S['Comparison'], {
  metrics: ComparisonMetric[]; differs: Difference[]; warnings: Warning[]; loads: ComparisonLoad[]; why: ComparisonCause[]; odd: ComparisonOdd[]; judged: string[]; apart_s: number | null
}>
export type ArmInput = With<S['ArmInput'], { benchmark: BenchmarkRequest }>
export type Arm = With<S['Arm'], { benchmark: BenchmarkRequest }>
export type ExperimentRequest = With<S['ExperimentRequest'], { arms?: ArmInput[]; benchmark?: BenchmarkRequest }>
export type ExperimentEstimate = S['ExperimentEstimate']
export type TuneDesign = S['TuneDesign']
export type TuneRound = S['TuneRound']
export type TuneCandidate = S['TuneCandidate']
export type TuneResult = With<S['TuneResult'], { final: Comparison | null }>
export type EngineOptions = S['EngineOptions']
export type Persona = S['Persona']
export type CapacityDesign = S['CapacityDesign']
export type CapacityPoint = S['CapacityPoint']
export type PersonaCapacity = S['PersonaCapacity']
export type ExperimentRun = With<S['ExperimentRun'], { status: Status }>
export type Experiment = With<S['Experiment'], { status: Status; arms: Arm[]; runs: ExperimentRun[]; comparison: Comparison | null; repeat: RepeatResult | null; sweep: SweepResult | null; tune: TuneResult | null }>
export type SweepDesign = S['SweepDesign']
export type SweepSettings = S['SweepSettings']
export type SweepValue = With<S['SweepValue'], { interval: [number, number] | null }>
export type SweepCell = With<S['SweepCell'], { status: Status; values: SweepValue[]; interval: [number, number] | null }>
export type SweepObjective = S['SweepObjective']
export type SweepResult = With<S['SweepResult'], { cells: SweepCell[]; objectives: SweepObjective[] }>
export type RepeatPoint = With<S['RepeatPoint'], { interval: [number, number] | null }>
export type RepeatResult = With<S['RepeatResult'], { points: RepeatPoint[]; looks: number[] }>

// How good the answers are
export type QualityKind = S['QualityRequest']['kind']
export type QualityRequest = S['QualityRequest']
export type TaskScore = With<S['TaskScore'], { verdict: 'scored' | 'broken' | 'nothing'; interval: [number, number] | null }>
export type Perplexity = With<S['Perplexity'], { interval: [number, number] | null }>
export type Divergence = With<S['Divergence'], { kl_interval: [number, number] | null; same_top_interval: [number, number] | null; perplexity_ratio_interval: [number, number] | null }>
export type QualitySummary = { tasks: TaskScore | null; perplexity: Perplexity | null; divergence: Divergence | null }
export type Quality = With<S['Quality'], { kind: QualityKind; status: Status; summary: QualitySummary | null }>
export type QualityAnswer = With<S['QualityAnswer'], { outcome: Outcome }>
export type QualityText = S['QualityText']
export type QualityDetail = Quality & { answers: QualityAnswer[]; texts: QualityText[] }
export type TrendPoint = S['TrendPoint']
export type TrendLevel = With<S['TrendLevel'], { interval: [number, number] | null }>
export type TrendChange = With<S['TrendChange'], { direction: 'better' | 'worse'; percent_interval: [number, number] | null; differs: Difference[] }>
export type EngineBuild = S['EngineBuild']
export type Builds = S['Builds']
export type BuildRequest = S['BuildRequest']
export type AlertVerdict = 'better' | 'worse' | 'equivalent' | 'no_difference' | 'too_few' | 'untested'
export type Alert = With<S['Alert'], { verdict: AlertVerdict; percent_interval: [number, number] | null; expected: [number, number] | null; differs: Difference[] }>
export type Trend = With<S['Trend'], { better: 'higher' | 'lower'; points: TrendPoint[]; levels: TrendLevel[]; changes: TrendChange[] }>

// The machine and the program
export type GPUInfo = S['GPUInfo']
export type EngineInfo = S['EngineInfo']
export type Environment = S['Environment']
export type SensorInfo = S['SensorInfo']
export type Telemetry = S['Telemetry']
export type AppInfo = S['AppInfo']
export type System = S['System']
export type Health = S['Health']
export type DoctorReport = With<S['DoctorReport'], { checks: Check[] }>
export type Preflight = With<S['Preflight'], { checks: Check[] }>
export type SettingValue = string | number | boolean | string[] | null
export type Setting = With<S['Setting'], { value: SettingValue; origin: 'flag' | 'env' | 'dotenv' | 'stored' | 'default' }>
export type Settings = { items: Setting[] }
export type SettingsPatch = With<S['SettingsPatch'], { theme?: string; language?: string }>

// The library
export type Download = With<S['Download'], { state: 'queued' | 'running' | 'verifying' | 'installing' | 'done' | 'failed' | 'canceled' }>
export type GGUFInfo = S['GGUFInfo']
export type Model = With<S['Model'], { download: Download | null }>
export type Endpoint = With<S['Endpoint'], { kind: EndpointKind }>
export type EndpointInput = With<S['EndpointInput'], { kind?: EndpointKind }>
export type EndpointProbe = With<S['EndpointProbe'], { state: 'ok' | 'caution' | 'failed' | 'unknown' }>
export type EndpointCheckInput = S['EndpointCheckInput']
export type Discovered = With<S['Discovered'], { kind: EndpointKind }>
export type EndpointCheck = With<S['EndpointCheck'], { checks: EndpointProbe[] }>
export type Engine = With<S['Engine'], { state: 'stopped' | 'starting' | 'ready' | 'stopping' | 'failed' | 'missing'; download: Download | null }>
export type Prompt = S['Prompt']
export type Dataset = S['Dataset']
export type DatasetDetail = S['DatasetDetail']
export type TokenHistogram = S['TokenHistogram']
export type DatasetImport = S['DatasetImport']
export type ImportResult = Omit<S['ImportResult'], 'runs'> & { runs: Run[] }
export type DatasetFormat = 'jsonl' | 'json' | 'csv' | 'sharegpt' | 'messages' | 'trace'

// Live events
export type LogRecord = S['LogRecord']
export type SpeedPoint = S['SpeedPoint']
export type InFlight = With<S['InFlight'], { phase: 'prefill' | 'decode' }>
export type RunPhaseEvent = With<S['RunPhaseEvent'], { phase: Phase }>
export type RunProgressEvent = With<S['RunProgressEvent'], { progress: Progress; requests: RequestRecord[] | null; in_flight: InFlight[] | null; speed: SpeedPoint[] | null }>
export type TelemetryEvent = With<S['TelemetryEvent'], { samples: Sample[] | null }>

/** The payload of each live event by its kind. */
export interface LiveEvents {
  'run.created': Run
  'run.phase': RunPhaseEvent
  'run.progress': RunProgressEvent
  'run.finished': Run
  telemetry: TelemetryEvent
  'download.progress': Download
  'bandwidth.progress': S['BandwidthEvent']
  'quality.changed': Quality
  alert: Alert
  log: LogRecord
  reset: unknown
}

export type LiveKind = keyof LiveEvents

/** The envelope of a live event, the same in the window and over server-sent events. */
export type LiveEvent = {
  [K in LiveKind]: { id: string; kind: K; at: string; data: LiveEvents[K] }
}[LiveKind]

/** The body of an RFC 9457 problem; a proxy in between may leave anything out. */
export type ProblemBody = Partial<Omit<S['Problem'], 'errors'>> & { errors?: S['FieldError'][] | null }
