import type { Columns } from './rings'

/**
 * Thins columns to at most about the given number of points. Each bucket keeps the rows where the
 * first column is smallest and largest, so that no spike is lost; gaps (nulls) stay gaps.
 */
export function decimate(data: Columns, points: number): Columns {
  const [times, first] = data
  if (points < 4 || times.length <= points || !first) return data
  const size = times.length / Math.floor(points / 2)
  const keep: number[] = []
  for (let b = 0; Math.round(b * size) < times.length; b++) {
    keep.push(...extremes(first, Math.round(b * size), Math.min(times.length, Math.round((b + 1) * size))))
  }
  const last = times.length - 1
  if (keep[keep.length - 1] !== last) keep.push(last)
  const [xs, ...ys] = data
  return [keep.map((i) => xs[i] ?? 0), ...ys.map((y) => keep.map((i) => y[i] ?? null))]
}

/** The rows of [from, to) with the smallest and largest value, in order of time. */
function extremes(y: readonly (number | null)[], from: number, to: number): number[] {
  let lo = -1
  let hi = -1
  let gap = -1
  for (let i = from; i < to; i++) {
    const v = y[i] ?? null
    if (v === null) {
      gap = i
      continue
    }
    if (lo < 0 || v < (y[lo] ?? Infinity)) lo = i
    if (hi < 0 || v > (y[hi] ?? -Infinity)) hi = i
  }
  return [...new Set([lo, hi, gap])].filter((i) => i >= 0).sort((a, b) => a - b)
}
