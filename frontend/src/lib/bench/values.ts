import type { Lengths, Metric } from '../../api/types'
import { emptyEngine, type EngineDraft } from './engine'

/** What a person chooses first; "rate" stands for all three ways of arriving, "stages" for a list of one's own. */
export type LoadChoice = 'single' | 'closed' | 'rate' | 'ramp' | 'sweep' | 'knee' | 'trace' | 'stages'
export type Over = 'concurrency' | 'rate'
export type LengthsKind = Exclude<Lengths['kind'], 'histogram'>

/** A distribution of token counts, as typed; a kind reads its own fields only. */
export interface LengthsDraft {
  kind: LengthsKind
  tokens: string
  mean: string
  stddev: string
  min: string
  max: string
}

export interface ObjectiveDraft {
  metric: Metric
  percentile: string
  belowMs: string
}

export const stageKinds = ['single', 'closed', 'rate', 'poisson', 'gamma', 'rampUsers', 'rampRate'] as const
export type StageKind = (typeof stageKinds)[number]

/** One stage of a list of one's own, as typed; a kind reads its own fields only. */
export interface StageDraft {
  kind: StageKind
  users: string
  rate: string
  cv: string
  from: string
  to: string
  rampS: string
}

/** The values of the form, as typed. */
export interface DraftValues {
  target: 'model' | 'endpoint'
  modelId: string
  endpointId: string
  endpointModel: string
  source: 'prompt' | 'dataset' | 'synthetic'
  prompt: string
  datasetId: string
  maxTokens: string
  input: LengthsDraft
  output: LengthsDraft
  sharedPrefix: string
  turns: string
  made: string
  depths: string[]
  promptCache: 'off' | 'on'
  load: LoadChoice
  users: string
  thinkMs: string
  spreadMs: string
  arrivals: 'rate' | 'poisson' | 'gamma'
  rate: string
  cv: string
  maxInFlight: string
  overflow: 'drop' | 'queue'
  over: Over
  rampFrom: string
  rampTo: string
  rampS: string
  sweepUsers: string[]
  sweepRates: string[]
  kneeBy: 'objective' | 'throughput'
  knee: ObjectiveDraft
  kneeFrom: string
  kneeTo: string
  speed: string
  stages: StageDraft[]
  objectives: ObjectiveDraft[]
  requests: string
  durationS: string
  tokens: string
  errors: string
  confidence: string
  temperature: string
  topP: string
  seed: string
  warmup: string
  cooldown: string
  repeat: string
  restS: string
  restBelow: string
  template: 'model' | 'with' | 'without'
  engine: EngineDraft
  useGpu: boolean
  storeText: boolean
  name: string
  tags: string
}

const lengths: LengthsDraft = { kind: 'fixed', tokens: '512', mean: '512', stddev: '128', min: '', max: '' }

export const newObjective: ObjectiveDraft = { metric: 'ttft', percentile: '95', belowMs: '500' }

export const newStage: StageDraft = { kind: 'closed', users: '4', rate: '5', cv: '2', from: '1', to: '16', rampS: '30' }

export const emptyDraft: DraftValues = {
  target: 'model', modelId: '', endpointId: '', endpointModel: '',
  source: 'prompt', prompt: 'Explain in a few short paragraphs how a bicycle stays upright while it moves.', datasetId: '', maxTokens: '128',
  input: lengths, output: { ...lengths, tokens: '128', mean: '128', stddev: '32' }, sharedPrefix: '', turns: '', made: '', depths: [], promptCache: 'off',
  load: 'single', users: '4', thinkMs: '', spreadMs: '',
  arrivals: 'poisson', rate: '5', cv: '2', maxInFlight: '', overflow: 'drop',
  over: 'concurrency', rampFrom: '1', rampTo: '16', rampS: '30', sweepUsers: ['1', '2', '4', '8'], sweepRates: ['1', '2', '4'],
  kneeBy: 'objective', knee: newObjective, kneeFrom: '1', kneeTo: '', speed: '1', stages: [{ ...newStage, kind: 'single' }, newStage], objectives: [],
  requests: '5', durationS: '', tokens: '', errors: '', confidence: '',
  temperature: '0.7', topP: '0.9', seed: '', warmup: '1', cooldown: '0', repeat: '1', restS: '', restBelow: '',
  template: 'model', engine: emptyEngine, useGpu: true, storeText: true, name: '', tags: '',
}

/** A copy whose parts may be changed. */
export function freshDraft(): DraftValues {
  return structuredClone(emptyDraft)
}

/** What the lists of the form hold; the others hold text. */
const items: Partial<Record<keyof DraftValues, unknown>> = { objectives: newObjective, stages: newStage }

type Kept = Partial<Record<keyof DraftValues, unknown>>

/** What a remembered form still has in common with the present one; the rest is as for a new form. */
export function mergeDraft(kept: Kept): DraftValues {
  const out = freshDraft()
  for (const key of Object.keys(out) as (keyof DraftValues)[]) {
    if (alike(out[key], kept[key], items[key] ?? '')) Object.assign(out, { [key]: kept[key] })
  }
  return out
}

function alike(wanted: unknown, kept: unknown, item: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(kept) && kept.every((k) => alike(item, k, ''))
  if (typeof wanted !== typeof kept || wanted === null || kept === null) return false
  if (typeof wanted !== 'object') return true
  const has = kept as Record<string, unknown>
  return Object.entries(wanted as Record<string, unknown>).every(([k, w]) => alike(w, has[k], ''))
}

/** The limits that a kind of load starts with: enough for a figure, and no more. */
const limits: Record<LoadChoice, Partial<DraftValues>> = {
  single: { requests: '5', durationS: '' },
  closed: { requests: '32', durationS: '' },
  rate: { requests: '', durationS: '30' },
  ramp: { requests: '', durationS: '' },
  sweep: { requests: '', durationS: '20' },
  knee: { requests: '', durationS: '20' },
  trace: { requests: '', durationS: '' },
  stages: { requests: '', durationS: '20' },
}

/** Takes another kind of load; the limits follow as long as nobody has changed them. */
export function chooseLoad(v: DraftValues, to: LoadChoice): void {
  const mine = limits[v.load]
  if (v.requests === mine.requests && v.durationS === mine.durationS) Object.assign(v, limits[to])
  v.load = to
}
