import type { BenchmarkRequest, CapacityDesign, ExperimentRequest, Persona, TuneDesign } from '../../api/types'
import { readNumber } from './fields'

/** Experiments over one benchmark: what is asked for, from what was typed. Pure. */

export const tuneSettings = ['threads', 'batch_size', 'ubatch_size', 'flash_attention', 'cache_type_k', 'cache_type_v', 'gpu_layers'] as const
export type TuneSetting = (typeof tuneSettings)[number]
/** Those on which the answers depend. */
export const answerSettings: ReadonlySet<TuneSetting> = new Set(['cache_type_k', 'cache_type_v'])
const numeric: ReadonlySet<TuneSetting> = new Set(['threads', 'batch_size', 'ubatch_size', 'gpu_layers'])

export interface TuneDraft { settings: Partial<Record<TuneSetting, string>>; candidates: string; pairs: string }

/** A whole number within a range, or null. */
export function whole(typed: string, low: number, high: number): number | null {
  const n = readNumber(typed)
  return n !== undefined && Number.isInteger(n) && n >= low && n <= high ? n : null
}

/** The values that were typed for a setting; null where one of them is not one. None are as the machine suggests. */
export function valuesOf(setting: TuneSetting, typed: string): (number | string)[] | null {
  const parts = typed.split(/[,;\s]+/).filter(Boolean)
  if (!numeric.has(setting)) return parts
  const numbers = parts.map((p) => whole(p, setting === 'gpu_layers' ? 0 : 1, 65_536))
  return numbers.includes(null) ? null : (numbers as number[])
}

function without<K extends keyof BenchmarkRequest>(b: BenchmarkRequest, ...keys: K[]): BenchmarkRequest {
  return Object.fromEntries(Object.entries(b).filter(([k]) => !keys.includes(k as K))) as unknown as BenchmarkRequest
}

/** Without what the experiment itself gives. */
const bare = (b: BenchmarkRequest): BenchmarkRequest => without(b, 'seed', 'name', 'tags', 'notes')

export function tuneRequest(b: BenchmarkRequest, d: TuneDraft): ExperimentRequest {
  const settings = tuneSettings.filter((s) => d.settings[s] !== undefined)
  const values = Object.fromEntries(settings.flatMap((s) => {
    const list = valuesOf(s, d.settings[s] ?? '') ?? []
    return list.length ? [[s, list]] : []
  })) as TuneDesign['values']
  const tune: TuneDesign = { settings: [...settings], candidates: readNumber(d.candidates), pairs: readNumber(d.pairs) }
  if (Object.keys(values ?? {}).length) tune.values = values
  return { kind: 'tune', name: b.name, benchmark: bare(b), tune }
}

/** How many runs so many candidates take at most: each round keeps half of them and measures them twice as often; the first has eight runs at least. */
export function mostTuneRuns(candidates: number, pairs: number): number {
  let [runs, left, times] = [0, candidates - 1, candidates > 2 ? Math.ceil(8 / candidates) : 1]
  do {
    runs += times * (left + 1)
    left = Math.max(1, Math.floor(left / 2))
    times *= 2
  } while (left > 1)
  return runs + 2 * pairs
}

export interface PersonaDraft { key: Persona['key']; on: boolean; limits: { metric: string; belowMs: string }[]; share: string }
export interface CapacityDraft { personas: PersonaDraft[]; own: boolean; maxUsers: string; repeats: string; thinkMs: string }

export const personaDraft = (p: Persona, on: boolean): PersonaDraft =>
  ({ key: p.key, on, limits: (p.objectives ?? []).map((o) => ({ metric: o.metric, belowMs: String(o.below_ms) })), share: String(p.share_percent ?? 95) })

export const personaFault = (p: PersonaDraft): boolean =>
  p.limits.some((l) => !((readNumber(l.belowMs) ?? 0) > 0)) || !((readNumber(p.share) ?? 0) >= 50 && (readNumber(p.share) ?? 0) <= 99.9)

export function capacityRequest(b: BenchmarkRequest, d: CapacityDraft): ExperimentRequest {
  const kept = without(bare(b), 'load', 'stages', 'stop', 'slo', 'repeat', 'warmup', 'cooldown')
  const capacity: CapacityDesign = {
    personas: d.personas.filter((p) => p.on).map((p) => ({
      key: p.key, share_percent: readNumber(p.share),
      objectives: p.limits.map((l) => ({ metric: l.metric, below_ms: readNumber(l.belowMs) ?? 0 })) as Persona['objectives'],
    })),
    max_users: readNumber(d.maxUsers), repeats: readNumber(d.repeats), think_time_ms: readNumber(d.thinkMs),
  }
  return { kind: 'capacity', name: b.name, benchmark: d.own ? kept : without(kept, 'prompt', 'dataset_id', 'synthetic', 'max_tokens'), capacity }
}
