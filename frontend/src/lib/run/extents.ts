/** Least, mean, largest and last of a series within a range of time; null where there is no reading. */
export interface Extents { min: number | null; avg: number | null; max: number | null; last: number | null; n: number }

export function extentsOf(x: readonly number[], y: readonly (number | null)[], from = -Infinity, to = Infinity, counts: (i: number) => boolean = () => true): Extents {
  const out: Extents = { min: null, avg: null, max: null, last: null, n: 0 }
  let sum = 0
  x.forEach((t, i) => {
    const v = y[i] ?? null
    if (v === null || t < from || t > to || !counts(i)) return
    out.min = out.min === null ? v : Math.min(out.min, v)
    out.max = out.max === null ? v : Math.max(out.max, v)
    out.last = v
    out.n++
    sum += v
  })
  if (out.n) out.avg = sum / out.n
  return out
}
