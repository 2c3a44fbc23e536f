import { colorOf, shapeOf, valueOf } from '../../lib/compare'
import { runs, type Comparison } from '../../state'
import type { Pen } from '../../ui/draw'

/** Each run as a dot of its side. */

export interface Point { side: number; id: string; name: string; value: number; nth: number }

/** The runs of all sides that have the figure, in the order in which they were measured. */
export function pointsOf(c: Comparison, key: string): Point[] {
  const all = c.sides.flatMap((s, side) => s.runs.flatMap((id) => {
    const run = runs.get(id)
    const value = run ? valueOf(run, key, c.load) : null
    return run && value !== null ? [{ side, id, name: run.name || run.model, value, at: run.started_at ?? run.created_at }] : []
  }))
  return all.sort((a, b) => a.at.localeCompare(b.at)).map((p, i) => ({ side: p.side, id: p.id, name: p.name, value: p.value, nth: i + 1 }))
}

/** The values with some room around them. */
export function rangeOf(values: readonly number[]): [number, number] {
  const [lo, hi] = [Math.min(...values), Math.max(...values)]
  const pad = (hi - lo || Math.abs(hi) * 0.02 || 1) * 0.12
  return [lo - pad, hi + pad]
}

/** Draws the shape of a side around a point. */
export function dot(c: Pen, side: number, x: number, y: number, r = 4.5): void {
  const p = c.x
  p.fillStyle = c.color(colorOf(side))
  p.strokeStyle = c.color('--bg-2')
  p.lineWidth = 1
  p.beginPath()
  switch (shapeOf(side)) {
    case 'circle':
      p.arc(x, y, r, 0, 7)
      break
    case 'square':
      p.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8)
      break
    case 'diamond':
      path(c, [[x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]])
      break
    default:
      path(c, [[x, y - r * 1.2], [x + r * 1.2, y + r * 0.95], [x - r * 1.2, y + r * 0.95]])
  }
  p.fill()
  p.stroke()
}

function path(c: Pen, points: [number, number][]): void {
  points.forEach(([x, y], i) => (i ? c.x.lineTo(x, y) : c.x.moveTo(x, y)))
  c.x.closePath()
}
