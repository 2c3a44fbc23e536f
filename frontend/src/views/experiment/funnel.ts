import type { RepeatPoint } from '../../state'

/**
 * The values that the funnel shows: all runs and the target, and the intervals from the third run on. The interval of
 * two runs is so wide that everything else would be a line.
 */
export function funnelRange(points: readonly RepeatPoint[], target: readonly [number, number]): [number, number] {
  const seen = points.flatMap((p, i) => [p.value, ...(i >= 3 && p.interval ? p.interval : [])])
  const [lo, hi] = [Math.min(...seen, ...target), Math.max(...seen, ...target)]
  const pad = (hi - lo || Math.abs(hi) * 0.02 || 1) * 0.12
  return [lo - pad, hi + pad]
}
