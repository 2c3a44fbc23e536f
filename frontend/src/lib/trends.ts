import type { Trend, TrendChange } from '../api/types'

/** What the screen of trends works out from them. Pure. */

export type TrendSort = 'runs' | 'newest' | 'change' | 'name'
export type Along = 'time' | 'run'

const plain = (s: string): string => s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** The newest change of a series, null where none was found. */
export function lastChange(t: Pick<Trend, 'changes'>): TrendChange | null {
  return t.changes.at(-1) ?? null
}

/** Every word of the search must occur in the series' own words; builds count too. */
export function found(all: readonly Trend[], text: string): Trend[] {
  const words = plain(text).split(/\s+/).filter(Boolean)
  return all.filter((t) => {
    const hay = plain([t.model, t.engine, t.load, t.machine, ...new Set(t.points.map((p) => p.build))].join('\n'))
    return words.every((w) => hay.includes(w))
  })
}

const newest = (t: Trend): number => Date.parse(t.points.at(-1)?.at ?? '')

const order: Record<TrendSort, (a: Trend, b: Trend) => number> = {
  runs: (a, b) => b.points.length - a.points.length,
  newest: (a, b) => newest(b) - newest(a),
  change: (a, b) => weight(b) - weight(a),
  name: (a, b) => a.model.localeCompare(b.model, undefined, { numeric: true }),
}

/** The larger its newest change, the more a series wants to be looked at. */
function weight(t: Trend): number {
  const c = lastChange(t)
  return c ? Math.abs(c.percent) : -1
}

export function sorted(all: readonly Trend[], by: TrendSort): Trend[] {
  return [...all].sort((a, b) => order[by](a, b) || newest(b) - newest(a))
}

/** Stretches of points with one build of the engine. */
export interface BuildBand { build: string; from: number; to: number }

export function buildBands(t: Pick<Trend, 'points'>): BuildBand[] {
  const out: BuildBand[] = []
  t.points.forEach((p, i) => {
    const last = out.at(-1)
    if (last?.build === p.build) last.to = i
    else out.push({ build: p.build, from: i, to: i })
  })
  return out
}

/** The builds of a series, in the order in which they came. */
export function buildsOf(t: Pick<Trend, 'points'>): string[] {
  return [...new Set(t.points.map((p) => p.build).filter(Boolean))]
}

/** Where each point stands from 0 to 1: by its time, or one beside the other. */
export function places(t: Pick<Trend, 'points'>, along: Along): number[] {
  const n = t.points.length
  const first = Date.parse(t.points[0]?.at ?? '')
  const span = Date.parse(t.points[n - 1]?.at ?? '') - first
  if (along === 'run' || !(span > 0)) return t.points.map((_, i) => (n > 1 ? i / (n - 1) : 0.5))
  return t.points.map((p) => (Date.parse(p.at) - first) / span)
}

/** The number of the point that is nearest to a place. */
export function nearest(at: readonly number[], place: number): number {
  let best = 0
  at.forEach((x, i) => {
    if (Math.abs(x - place) < Math.abs((at[best] ?? 0) - place)) best = i
  })
  return best
}

/** The range of the value axis: all points with some room, wide enough that noise does not look like a step. */
export function valueRange(t: Pick<Trend, 'points'>): [number, number] {
  const v = t.points.map((p) => p.value)
  const [lo, hi] = [Math.min(...v), Math.max(...v)]
  const middle = (lo + hi) / 2
  const half = Math.max((hi - lo) * 0.62, Math.abs(middle) * 0.03) || 1
  return [lo >= 0 ? Math.max(0, middle - half) : middle - half, middle + half]
}

/** Levels as numbers of points. */
export function levelSpans(t: Pick<Trend, 'points' | 'levels'>): { from: number; to: number; mean: number; interval: [number, number] | null }[] {
  const at = new Map(t.points.map((p, i) => [p.job_id, i]))
  return t.levels.map((l) => ({ from: at.get(l.first_job_id) ?? 0, to: at.get(l.last_job_id) ?? 0, mean: l.mean, interval: l.interval }))
}

/** The number of the point at which a change is. */
export function placeOfChange(t: Pick<Trend, 'points'>, c: Pick<TrendChange, 'job_id'>): number {
  return t.points.findIndex((p) => p.job_id === c.job_id)
}

/** So many runs next to a change stand on each side of its comparison. */
const MOST_SIDE = 30

/** The runs of the levels before and after a change, those next to it. */
export function sidesOf(t: Pick<Trend, 'points' | 'levels' | 'changes'>, change: number): { before: string[]; after: string[] } {
  const [a, b] = [levelSpans(t)[change], levelSpans(t)[change + 1]]
  const ids = t.points.map((p) => p.job_id)
  return { before: a ? ids.slice(a.from, a.to + 1).slice(-MOST_SIDE) : [], after: b ? ids.slice(b.from, b.to + 1).slice(0, MOST_SIDE) : [] }
}

const HOUR = 3_600_000
const stepsOfTime = [HOUR / 60, HOUR / 12, HOUR / 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR, 336 * HOUR, 732 * HOUR, 2196 * HOUR, 8766 * HOUR]

/** Times for an axis from one moment to another, about n of them, at round local hours and days; and whether days do. */
export function timeTicks(from: number, to: number, n: number): { at: number[]; days: boolean } {
  const span = to - from
  const step = stepsOfTime.find((s) => span / s <= n) ?? stepsOfTime.at(-1) ?? span
  const zone = new Date(from).getTimezoneOffset() * 60_000
  const at: number[] = []
  for (let v = Math.ceil((from - zone) / step) * step + zone; v <= to; v += step) at.push(v)
  return { at: span > 0 ? at : [from], days: step >= 24 * HOUR }
}
