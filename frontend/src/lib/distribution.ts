import type { Distribution } from '../api/types'

/** How a figure spreads over requests, from the few quantiles that the program tells of each run. Pure. */

/** A sorted sample whose values weigh differently. */
export interface Pool { values: number[]; upTo: number[]; n: number }

const FURTHEST = 5
const none: Pool = { values: [], upTo: [], n: 0 }

/** The requests of several runs together: each run weighs as much as it has requests. */
export function pool(parts: readonly Pick<Distribution, 'n' | 'values'>[]): Pool {
  const n = parts.reduce((sum, p) => sum + p.n, 0)
  if (n === 0) return none
  const all = parts.flatMap((p) => p.values.map((v, i): [number, number] => [v, (p.n * weight(i, p.values.length)) / n]))
  all.sort((a, b) => a[0] - b[0])
  let sum = 0
  return { values: all.map(([v]) => v), upTo: all.map(([, w]) => (sum += w)), n }
}

/** Quantiles at even steps: the first and the last stand for half as many requests as the others. */
function weight(i: number, points: number): number {
  if (points < 2) return 1
  return (i === 0 || i === points - 1 ? 0.5 : 1) / (points - 1)
}

/** The value below which this share of the requests lies; null without any. */
export function valueAt(p: Pool, q: number): number | null {
  const i = p.upTo.findIndex((x) => x >= q - 1e-9)
  return p.values[i < 0 ? p.values.length - 1 : i] ?? null
}

/**
 * The axis of several distributions: what all but the outermost half percent need, and no more than five times as far from
 * the median as the outer tenth begins, so that stragglers flatten nothing.
 */
export function reachOf(pools: readonly Pool[]): [number, number] | null {
  const known = pools.filter((p) => p.n > 0)
  if (known.length === 0) return null
  const far = (p: Pool, q: number, tenth: number): number => {
    const [middle, at, edge] = [0.5, tenth, q].map((x) => valueAt(p, x) ?? 0) as [number, number, number]
    const most = middle + FURTHEST * (at - middle)
    return at === middle ? edge : tenth > 0.5 ? Math.min(edge, most) : Math.max(edge, most)
  }
  const low = Math.min(...known.map((p) => far(p, 0.005, 0.1)))
  const high = Math.max(...known.map((p) => far(p, 0.995, 0.9)))
  const pad = (high - low || Math.abs(high) * 0.05 || 1) * 0.04
  return [Math.max(0, low - pad), high + pad]
}

/** Whether a logarithmic axis tells more: where the largest values are many times the smallest. */
export const wantsLog = ([low, high]: [number, number]): boolean => low > 0 && high / low > 12

/**
 * The density of a pool at even steps over a reach, 1 at its highest: a normal kernel of Silverman's width
 * (B. W. Silverman, "Density Estimation", 1986, equation 3.31).
 */
export function densityOf(p: Pool, at: readonly number[]): number[] {
  if (p.values.length === 0) return at.map(() => 0)
  const width = bandwidth(p) || ((at.at(-1) ?? 1) - (at[0] ?? 0)) / 100
  const weights = p.upTo.map((x, i) => x - (p.upTo[i - 1] ?? 0))
  const raw = at.map((x) => p.values.reduce((sum, v, i) => {
    const z = (x - v) / width
    return Math.abs(z) > 5 ? sum : sum + (weights[i] ?? 0) * Math.exp(-0.5 * z * z)
  }, 0))
  const most = Math.max(...raw)
  return raw.map((y) => (most > 0 ? y / most : 0))
}

function bandwidth(p: Pool): number {
  const weights = p.upTo.map((x, i) => x - (p.upTo[i - 1] ?? 0))
  const mean = p.values.reduce((s, v, i) => s + v * (weights[i] ?? 0), 0)
  const sd = Math.sqrt(p.values.reduce((s, v, i) => s + (v - mean) ** 2 * (weights[i] ?? 0), 0))
  const iqr = ((valueAt(p, 0.75) ?? 0) - (valueAt(p, 0.25) ?? 0)) / 1.34
  const spread = iqr > 0 ? Math.min(sd, iqr) : sd
  return 0.9 * spread * Math.min(p.n, 2000) ** -0.2
}

/** The share of the requests in each of so many bins of a reach; what lies beyond it is left out. */
export function sharesOf(p: Pool, [low, high]: [number, number], count: number): number[] {
  const out = Array.from({ length: count }, () => 0)
  p.values.forEach((v, i) => {
    const bin = Math.floor(((v - low) / (high - low)) * count)
    const share = (p.upTo[i] ?? 0) - (p.upTo[i - 1] ?? 0)
    if (bin >= 0 && bin <= count) out[Math.min(bin, count - 1)] = (out[Math.min(bin, count - 1)] ?? 0) + share
  })
  return out
}
