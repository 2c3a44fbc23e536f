import type { BenchmarkRequest, ExperimentRequest, SweepDesign } from '../../api/types'
import { readNumber } from '../bench/fields'
import { numeric, settingOf, type SettingName } from './settings'

/** From the part of the form that says what is varied to the body of the call. */

export interface AxisDraft { setting: SettingName; values: string[] }

export interface SweepDraftValues {
  on: boolean
  axes: AxisDraft[]
  repeats: string
  refine: boolean
  metric: string
}

export const emptySweep: SweepDraftValues = { on: false, axes: [{ setting: 'threads', values: ['1', '2', '4'] }], repeats: '3', refine: false, metric: '' }

export const MOST_RUNS = 500
export const MOST_CELLS = 200
export const MOST_AXES = 6

/** Why an axis or a whole sweep cannot be; the key of its words. */
export type SweepFault = 'empty' | 'value' | 'twice' | 'embedded' | 'load' | 'output' | 'made' | 'text' | 'cells' | 'runs' | 'repeats' | 'refine'

/** What a combination is known to be impossible for: the program leaves those out by itself. */
export function impossible(s: Record<string, string>, r: BenchmarkRequest): boolean {
  const o = r.engine_options ?? {}
  const flash = s['flash_attention'] ?? o.flash_attention
  const v = s['cache_type_v'] ?? s['cache_type'] ?? o.cache_type_v
  const batch = Number(s['batch_size'] ?? o.batch_size ?? Infinity)
  const ubatch = Number(s['ubatch_size'] ?? o.ubatch_size ?? 0)
  return (flash === 'off' && v !== undefined && v !== null && !['f32', 'f16', 'bf16'].includes(v)) || ubatch > batch
}

/** The combinations that will be measured. */
export function cellsOf(d: SweepDraftValues, r: BenchmarkRequest): Record<string, string>[] {
  if (d.axes.reduce((n, a) => n * a.values.length, 1) > 4096) return Array.from({ length: 4097 }, () => ({}))
  let all: Record<string, string>[] = [{}]
  for (const a of d.axes) all = all.flatMap((s) => a.values.map((v) => ({ ...s, [a.setting]: v })))
  return all.filter((s) => !impossible(s, r))
}

export interface SweepFaults { axes: (SweepFault | null)[]; whole: SweepFault | null }

export function faultsOf(d: SweepDraftValues, r: BenchmarkRequest): SweepFaults {
  const axes = d.axes.map((a, i) => axisFault(d.axes, i, a, r))
  const repeats = readNumber(d.repeats)
  const cells = cellsOf(d, r).length
  let whole: SweepFault | null = null
  if (repeats === undefined || !Number.isInteger(repeats) || repeats < 1 || repeats > 10) whole = 'repeats'
  else if (d.axes.length === 0 || cells === 0) whole = 'empty'
  else if (cells > MOST_CELLS) whole = 'cells'
  else if (cells * repeats > MOST_RUNS) whole = 'runs'
  else if (d.refine && !d.axes.some((a) => numeric(a.setting))) whole = 'refine'
  else if (r.prompt !== undefined && r.store_text === false) whole = 'text'
  return { axes, whole }
}

function axisFault(axes: readonly AxisDraft[], i: number, a: AxisDraft, r: BenchmarkRequest): SweepFault | null {
  const s = settingOf(a.setting)
  const kind = r.load?.kind ?? 'single'
  const before = axes.slice(0, i).map((x) => x.setting)
  const cache = (name: string): boolean => name.startsWith('cache_type')
  if (before.includes(a.setting) || (cache(a.setting) && before.some((x) => cache(x) && (x === 'cache_type' || a.setting === 'cache_type')))) return 'twice'
  if (s?.embedded && r.endpoint_id) return 'embedded'
  if (a.setting === 'concurrency' && (r.stages || (kind !== 'single' && kind !== 'closed'))) return 'load'
  if (a.setting === 'max_tokens' && r.synthetic?.output_tokens) return 'output'
  if (a.setting === 'prompt_tokens' && !r.synthetic) return 'made'
  if (a.values.length === 0) return 'empty'
  const bad = a.values.some((v) => {
    const n = readNumber(v)
    return s?.high === undefined ? v === '' : n === undefined || !Number.isInteger(n) || n < (s.low ?? 0) || n > s.high
  })
  return bad ? 'value' : null
}

export function designOf(d: SweepDraftValues): SweepDesign {
  return {
    axes: d.axes.map((a) => ({ setting: a.setting, values: a.values.map((v) => (numeric(a.setting) ? Number(v) : v)) })),
    repeats: readNumber(d.repeats), ...(d.refine ? { refine: true } : {}), ...(d.metric ? { metric: d.metric } : {}),
  }
}

/** The body of the call: name and seed of the benchmark are the experiment's. */
export function toExperiment(d: SweepDraftValues, r: BenchmarkRequest): ExperimentRequest {
  const { name, seed, ...rest } = r
  const { repeat, ...once } = rest
  const benchmark = repeat === 'auto' ? once : rest // the blocks are what repeats
  return { kind: 'sweep', ...(name ? { name } : {}), ...(seed === undefined ? {} : { seed }), benchmark, sweep: designOf(d) }
}

/** The flags of the command line for what is varied. */
export function sweepWords(d: SweepDraftValues): string[] {
  return [
    ...d.axes.flatMap((a) => ['--vary', `${a.setting}=${a.values.join(',')}`]),
    '--repeats', d.repeats, ...(d.refine ? ['--refine'] : []), ...(d.metric ? ['--metric', d.metric] : []),
  ]
}
