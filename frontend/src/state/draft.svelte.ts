import type { BenchmarkRequest } from '../api'
import type { Job } from '../lib/estimate'
import type { RunFlags } from '../lib/snippets'
import { recall, remember } from '../lib/storage'

/** The values of the form, as typed. */
export interface DraftValues {
  target: 'model' | 'endpoint'
  modelId: string
  endpointId: string
  endpointModel: string
  source: 'prompt' | 'dataset'
  prompt: string
  datasetId: string
  maxTokens: string
  load: 'single' | 'closed'
  users: string
  thinkMs: string
  requests: string
  durationS: string
  tokens: string
  errors: string
  temperature: string
  topP: string
  seed: string
  warmup: string
  useGpu: boolean
  storeText: boolean
  name: string
  tags: string
}

export const emptyDraft: DraftValues = {
  target: 'model',
  modelId: '',
  endpointId: '',
  endpointModel: '',
  source: 'prompt',
  prompt: 'Explain in a few short paragraphs how a bicycle stays upright while it moves.',
  datasetId: '',
  maxTokens: '128',
  load: 'single',
  users: '4',
  thinkMs: '',
  requests: '5',
  durationS: '',
  tokens: '',
  errors: '',
  temperature: '0.7',
  topP: '0.9',
  seed: '',
  warmup: '1',
  useGpu: true,
  storeText: true,
  name: '',
  tags: '',
}

/** A fault of one field: the dictionary key of its message and the values in it. */
export interface Fault {
  key: 'range' | 'rangeAbove' | 'whole' | 'choose' | 'required' | 'noStop'
  low?: number
  high?: number
}

interface Rule {
  field: keyof DraftValues
  json: string
  low: number
  high: number
  whole: boolean
  /** The lower end itself is not allowed. */
  above?: boolean
  optional?: boolean
}

const rules: Rule[] = [
  { field: 'maxTokens', json: 'max_tokens', low: 1, high: 32768, whole: true },
  { field: 'temperature', json: 'temperature', low: 0, high: 2, whole: false },
  { field: 'topP', json: 'top_p', low: 0, high: 1, whole: false, above: true },
  { field: 'seed', json: 'seed', low: 0, high: 4294967295, whole: true, optional: true },
  { field: 'warmup', json: 'warmup', low: 0, high: 1000, whole: true },
  { field: 'requests', json: 'stop.requests', low: 1, high: 1_000_000, whole: true, optional: true },
  { field: 'durationS', json: 'stop.duration_s', low: 0, high: 86_400, whole: false, above: true, optional: true },
  { field: 'tokens', json: 'stop.tokens', low: 1, high: 1_000_000_000, whole: true, optional: true },
  { field: 'errors', json: 'stop.errors', low: 1, high: 1_000_000, whole: true, optional: true },
]

const closedRules: Rule[] = [
  { field: 'users', json: 'load.concurrency', low: 1, high: 1024, whole: true },
  { field: 'thinkMs', json: 'load.think_time_ms', low: 0, high: 600_000, whole: true, optional: true },
]

/** Reads what a person typed; a comma is a decimal mark too. Empty is undefined, nonsense is NaN. */
export function readNumber(typed: string): number | undefined {
  const clean = String(typed).trim().replace(',', '.')
  if (clean === '') return undefined
  return /^-?\d+(\.\d*)?$|^-?\.\d+$/.test(clean) ? Number(clean) : NaN
}

function check(v: DraftValues, r: Rule): Fault | null {
  const n = readNumber(String(v[r.field]))
  if (n === undefined) return r.optional ? null : { key: 'required' }
  const range: Fault = { key: r.above ? 'rangeAbove' : 'range', low: r.low, high: r.high }
  if (Number.isNaN(n) || n < r.low || n > r.high || (r.above && n === r.low)) return range
  return r.whole && !Number.isInteger(n) ? { key: 'whole' } : null
}

/** The faults by the JSON name of the field, as a problem's errors name them. */
export function faults(v: DraftValues): Record<string, Fault> {
  const out: Record<string, Fault> = {}
  for (const r of [...rules, ...(v.load === 'closed' ? closedRules : [])]) {
    const f = check(v, r)
    if (f) out[r.json] = f
  }
  if (!modelOf(v)) out['model_id'] = { key: 'choose' }
  if (v.target === 'endpoint' && !v.endpointId) out['endpoint_id'] = { key: 'choose' }
  if (v.source === 'prompt' && v.prompt.trim() === '') out['prompt'] = { key: 'required' }
  if (v.source === 'dataset' && !v.datasetId) out['dataset_id'] = { key: 'choose' }
  return out
}

function modelOf(v: DraftValues): string {
  return v.target === 'model' ? v.modelId : v.endpointModel.trim()
}

/** The body of the call; only meaningful without faults. */
export function toRequest(v: DraftValues): BenchmarkRequest {
  const n = (typed: string): number | undefined => readNumber(typed)
  const stop = { requests: n(v.requests), duration_s: n(v.durationS), tokens: n(v.tokens), errors: n(v.errors) }
  const tags = v.tags.split(',').map((t) => t.trim()).filter(Boolean)
  return {
    model_id: modelOf(v),
    ...(v.target === 'endpoint' ? { endpoint_id: v.endpointId } : {}),
    ...(v.source === 'prompt' ? { prompt: v.prompt } : { dataset_id: v.datasetId }),
    max_tokens: n(v.maxTokens),
    temperature: n(v.temperature),
    top_p: n(v.topP),
    ...(v.target === 'model' ? { use_gpu: v.useGpu } : {}),
    seed: n(v.seed),
    load: v.load === 'single' ? { kind: 'single' } : { kind: 'closed', concurrency: n(v.users), think_time_ms: n(v.thinkMs) },
    ...(Object.values(stop).some((s) => s !== undefined) ? { stop } : {}),
    warmup: n(v.warmup),
    ...(v.storeText ? {} : { store_text: false }),
    ...(v.name.trim() ? { name: v.name.trim() } : {}),
    ...(tags.length ? { tags } : {}),
  }
}

export function toFlags(r: BenchmarkRequest): RunFlags {
  return {
    model: r.model_id || 'MODEL',
    endpoint: r.endpoint_id,
    prompt: r.prompt,
    dataset: r.dataset_id,
    maxTokens: r.max_tokens,
    temperature: r.temperature,
    topP: r.top_p,
    seed: r.seed,
    noGPU: r.use_gpu === false,
    load: r.load?.kind === 'closed' ? `closed:${r.load.concurrency ?? 1}` : 'single',
    requests: r.stop?.requests,
    durationS: r.stop?.duration_s,
    warmup: r.warmup,
    name: r.name,
    tags: r.tags,
  }
}

/** What the duration is estimated from. Without a limit a prompt is sent once a user, a dataset once through. */
export function toJob(r: BenchmarkRequest, datasetPrompts: number): Job {
  const users = r.load?.kind === 'closed' ? (r.load.concurrency ?? 1) : 1
  const free = r.stop?.duration_s !== undefined || r.stop?.tokens !== undefined
  const whole = r.dataset_id ? datasetPrompts : users
  return {
    requests: r.stop?.requests ?? (free ? null : whole),
    durationS: r.stop?.duration_s ?? null,
    maxTokens: r.max_tokens ?? 128,
    warmup: r.warmup ?? 1,
    users,
  }
}

function isDraft(v: unknown): v is Partial<DraftValues> {
  if (typeof v !== 'object' || v === null) return false
  const o = v as Record<string, unknown>
  return Object.entries(emptyDraft).every(([k, d]) => o[k] === undefined || typeof o[k] === typeof d)
}

/** The form of a new benchmark; it survives leaving the screen and closing the program. */
class Draft {
  values = $state<DraftValues>({ ...emptyDraft, ...recall('draft', isDraft, {}) })
  readonly faults = $derived(faults(this.values))
  readonly request = $derived(toRequest(this.values))

  keep(): void {
    remember('draft', this.values)
  }

  /** Takes over what a link asked for. */
  take(q: Record<string, string>): void {
    const v = this.values
    if (q['endpoint']) Object.assign(v, { target: 'endpoint', endpointId: q['endpoint'], ...(q['model'] ? { endpointModel: q['model'] } : {}) })
    else if (q['model']) Object.assign(v, { target: 'model', modelId: q['model'] })
    if (q['dataset']) Object.assign(v, { source: 'dataset', datasetId: q['dataset'] })
    if (q['users']) Object.assign(v, { load: 'closed', users: q['users'] })
  }

  reset(): void {
    this.values = { ...emptyDraft }
  }
}

export const draft = new Draft()
