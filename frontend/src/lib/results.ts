import type { Figures, Run, Stage, Verdict } from '../api/types'
import { loadShort, usersOf } from './run/load'
import { leadFigures, leadStage, stagesOf } from './run/stages'

/** Filtering and sorting of the table of results. Pure. */

export interface Filters {
  text: string
  model: string
  engine: string
  load: string
  verdict: string
  status: string
  dataset: string
  tag: string
  /** Only runs of so many last days; 0: all. */
  days: number
  starred: boolean
}

export const noFilters: Filters = {
  text: '', model: '', engine: '', load: '', verdict: '', status: '', dataset: '', tag: '', days: 0, starred: false,
}

/** The users a run is spoken of by: those of its load, or of its leading stage; 0 where the clock decides. */
export function users(r: Run): number {
  return leadStage(r)?.concurrency ?? usersOf(r.plan.load) ?? 0
}

/** The load in few letters, as its column and its filter show it. */
export function loadOf(r: Run): string {
  return loadShort(r.plan.load, Math.max(r.summary?.stages.length ?? 0, r.plan.stages?.length ?? 0))
}

export function verdict(r: Run): Verdict | null {
  return r.validity?.verdict ?? null
}

/** The figure a run is ranked by: writing speed of one request, or the whole output of several users. */
export function speed(r: Run): number | null {
  return rank(leadFigures(r), users(r))
}

function rank(f: Figures | null, several: number): number | null {
  if (!f) return null
  return several === 1 ? (f.decode_tokens_per_second ?? f.output_tokens_per_second) : f.output_tokens_per_second
}

/** A row of the table: a run, or one stage of a run that is opened. */
export interface Row {
  key: string
  run: Run
  stage: Stage | null
  figures: Figures | null
  speed: number | null
  /** How many stages can be shown under it. */
  stages: number
}

/** The rows of the table: each run, and under an opened one its stages. */
export function rowsOf(runs: readonly Run[], opened: ReadonlySet<string>): Row[] {
  return runs.flatMap((run): Row[] => {
    const stages = stagesOf(run)
    const own: Row = { key: run.job_id, run, stage: null, figures: leadFigures(run), speed: speed(run), stages: stages.length }
    if (!opened.has(run.job_id)) return [own]
    // Stages of a sweep are compared by what all users get together, those of one user too.
    return [own, ...stages.map((stage): Row => ({ key: `${run.job_id} ${stage.index}`, run, stage, figures: stage.summary, speed: rank(stage.summary, 0), stages: 0 }))]
  })
}

const DAY_MS = 86_400_000
const none: ReadonlyMap<string, unknown> = new Map()

function plain(s: string): string {
  return s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

function haystack(r: Run): string {
  return plain([r.name, r.model, r.engine, r.notes, r.plan.prompt ?? '', r.plan.dataset_id ?? '', ...(r.tags ?? [])].join('\n'))
}

/** Every word of the search must occur in the run's own words, or the program has found them in its texts. */
export function matches(r: Run, f: Filters, found: ReadonlyMap<string, unknown> = none, now = Date.now()): boolean {
  if (f.days > 0 && Date.parse(r.created_at) < now - f.days * DAY_MS) return false
  if (f.dataset && r.plan.dataset_id !== f.dataset) return false
  if (f.starred && !r.pinned) return false
  if (f.model && r.model !== f.model) return false
  if (f.engine && r.engine !== f.engine) return false
  if (f.load && loadOf(r) !== f.load) return false
  if (f.verdict && verdict(r) !== f.verdict) return false
  if (f.status && r.status !== f.status) return false
  if (f.tag && !(r.tags ?? []).includes(f.tag)) return false
  const words = plain(f.text).split(/\s+/).filter(Boolean)
  if (words.length === 0 || found.has(r.job_id)) return true
  const hay = haystack(r)
  return words.every((w) => hay.includes(w))
}

export type SortKey = 'when' | 'model' | 'load' | 'speed' | 'ttft' | 'tpot' | 'goodput' | 'vram' | 'engine' | 'status' | 'validity'

type Value = string | number | null

const order: Record<Verdict, number> = { valid: 2, caution: 1, invalid: 0 }

export const sortValues: Record<SortKey, (r: Run) => Value> = {
  when: (r) => Date.parse(r.created_at),
  model: (r) => r.model.toLowerCase(),
  load: loadOf,
  speed,
  ttft: (r) => leadFigures(r)?.ttft_ms.p50 ?? null,
  tpot: (r) => leadFigures(r)?.tpot_ms.p50 ?? null,
  goodput: (r) => leadFigures(r)?.goodput?.requests_per_second ?? null,
  vram: (r) => r.hardware_metrics.peak?.vram_usage_gb ?? null,
  engine: (r) => r.engine,
  status: (r) => r.status,
  validity: (r) => {
    const v = verdict(r)
    return v ? order[v] : null
  },
}

/** Sorts by a column; missing values come last either way, equal ones newest first. */
export function sortRuns(runs: readonly Run[], key: SortKey, desc: boolean): Run[] {
  const value = sortValues[key]
  return [...runs].sort((a, b) => {
    const x = value(a)
    const y = value(b)
    if (x === null || y === null) return x === y ? newest(a, b) : x === null ? 1 : -1
    if (x === y) return newest(a, b)
    if (typeof x === 'string' && typeof y === 'string') return x.localeCompare(y, undefined, { numeric: true }) * (desc ? -1 : 1)
    return (x < y ? -1 : 1) * (desc ? -1 : 1)
  })
}

function newest(a: Run, b: Run): number {
  return Date.parse(b.created_at) - Date.parse(a.created_at)
}

export interface FacetValue {
  value: string
  count: number
}

/**
 * The different values of a column with the number of runs that choosing each would show: within all
 * filters but the column's own.
 */
export function facet(
  runs: readonly Run[], of: (r: Run) => string | readonly string[], filters: Filters, own: keyof Filters, found?: ReadonlyMap<string, unknown>,
): FacetValue[] {
  const others = { ...filters, [own]: noFilters[own] }
  const counts = new Map<string, number>()
  for (const r of runs) {
    const counted = matches(r, others, found) ? 1 : 0
    for (const value of new Set([of(r)].flat())) if (value) counts.set(value, (counts.get(value) ?? 0) + counted)
  }
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => a.value.localeCompare(b.value, undefined, { numeric: true }))
}
