import type { SweepCell, SweepObjective, SweepResult } from '../../api/types'

/** How cells are weighed against one another; the program does the same for the weights of the design. */

export type Weights = Record<string, number>

/** The figure of a cell in an objective or metric; null where it has none. */
export function figureAt(r: Pick<SweepResult, 'metrics'>, c: SweepCell, key: string): number | null {
  if (key === 'quality') return c.quality
  const i = r.metrics.findIndex((m) => m.key === key)
  return c.values[i]?.mean ?? null
}

/** How near a cell comes to the best of all, 0 to 1: nearness in each objective, multiplied by weight. */
export function scoresOf(r: Pick<SweepResult, 'metrics' | 'cells' | 'objectives'>, weights: Weights): (number | null)[] {
  const used = r.objectives.filter((o) => weightOf(weights, o) > 0)
  const total = used.reduce((sum, o) => sum + weightOf(weights, o), 0)
  const points = r.cells.map((c) => {
    const p = r.objectives.map((o) => nearness(figureAt(r, c, o.key), o.better))
    return p.every((x) => x !== null) ? (p as number[]) : null
  })
  if (total === 0) return points.map(() => null)
  const top = r.objectives.map((_, k) => Math.max(...points.flatMap((p) => (p ? [p[k] as number] : []))))
  return points.map((p) => p && Math.exp(r.objectives.reduce((sum, o, k) => sum + (weightOf(weights, o) / total) * ((p[k] as number) - (top[k] as number)), 0)))
}

/** The cell with the highest score of those that no other beats; the first of equal ones. */
export function pickOf(r: Pick<SweepResult, 'metrics' | 'cells' | 'objectives'>, weights: Weights): number | null {
  let at: number | null = null
  const scores = scoresOf(r, weights)
  scores.forEach((s, i) => {
    if (s === null || !r.cells[i]?.front) return
    if (at === null || s > (scores[at] ?? 0)) at = i
  })
  return at
}

function weightOf(w: Weights, o: SweepObjective): number {
  return w[o.name] ?? o.weight
}

/** The logarithm, turned so that more is better. */
function nearness(v: number | null, better: string): number | null {
  if (v === null) return null
  const l = Math.log(Math.max(v, 1e-9))
  return better === 'lower' ? -l : l
}

export interface Spot { i: number; x: number; y: number }

/** The points that no other beats in both directions, from left to right. */
export function frontLine(points: readonly Spot[], betterX: string, betterY: string): Spot[] {
  const sx = betterX === 'lower' ? -1 : 1
  const sy = betterY === 'lower' ? -1 : 1
  const beats = (q: Spot, p: Spot): boolean => sx * q.x >= sx * p.x && sy * q.y >= sy * p.y && (q.x !== p.x || q.y !== p.y)
  return points.filter((p) => !points.some((q) => beats(q, p))).sort((a, b) => a.x - b.x || a.y - b.y)
}
