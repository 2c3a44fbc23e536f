import { densityOf, sharesOf, valueAt, type Pool } from '../../lib/distribution'
import { colorOf, letter } from '../../lib/compare'
import { axisValues, hline, label as write, steps, type Pen } from '../../ui/draw'

/** How the requests of the sides spread, drawn: shares answered, densities, or bars. */

export type Look = 'ecdf' | 'violin' | 'bars'
export interface Spread { sides: Pool[]; runs: Pool[][]; reach: [number, number]; log: boolean }
interface Box { l: number; r: number; t: number; b: number; X: (v: number) => number }

const BOLD = '600 12px "Inter Variable"'
const STEPS = 120

/** The box of a plot with its value axis drawn. */
function frame(c: Pen, s: Spread, l: number): Box {
  const [r, t, b] = [16, 10, 24]
  const [lo, hi] = s.log ? [Math.log(s.reach[0]), Math.log(s.reach[1])] : s.reach
  const X = (v: number): number => l + Math.min(1.02, Math.max(-0.02, ((s.log ? Math.log(v) : v) - lo) / (hi - lo || 1))) * (c.w - l - r)
  const ticks = s.log ? decades(s.reach) : steps(s.reach[0], s.reach[1], Math.max(2, Math.floor(c.w / 90)))
  const told = axisValues(ticks)
  for (const [i, v] of ticks.entries()) {
    c.x.fillStyle = c.color('--grid')
    c.x.fillRect(Math.round(X(v)), t, 1, c.h - t - b)
    write(c, told[i] ?? '', X(v), c.h - 8, '--axis', 'center', 'alphabetic')
  }
  return { l, r, t, b, X }
}

/** 1, 2 and 5 of each power of ten within a reach. */
function decades([low, high]: [number, number]): number[] {
  const out: number[] = []
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) for (const m of [1, 2, 5]) out.push(Number((m * 10 ** e).toPrecision(3)))
  return out.filter((v) => v >= low && v <= high)
}

/** The share of requests that had come so far; the runs stand behind their side as faint lines. */
export function drawEcdf(c: Pen, s: Spread): void {
  const f = frame(c, s, 50)
  const Y = (q: number): number => c.h - f.b - q * (c.h - f.t - f.b)
  for (const q of [0, 0.25, 0.5, 0.75, 0.95]) {
    hline(c, f.l, c.w - f.r, Y(q))
    write(c, `${q * 100}\u00a0%`, f.l - 7, Y(q), '--axis', 'right')
  }
  const line = (p: Pool): void => {
    c.x.beginPath()
    p.values.forEach((v, i) => {
      // A share stays until the next value: of few requests it is a stair.
      const [x, before] = [f.X(v), Y(p.upTo[i - 1] ?? 0)]
      if (i === 0) c.x.moveTo(x, before)
      else c.x.lineTo(x, before)
      c.x.lineTo(x, Y(p.upTo[i] ?? 1))
    })
    c.x.stroke()
  }
  c.x.save()
  c.x.beginPath()
  c.x.rect(f.l, 0, c.w - f.l - f.r, c.h)
  c.x.clip()
  s.sides.forEach((p, i) => {
    c.x.strokeStyle = c.color(colorOf(i))
    c.x.lineWidth = 1
    c.x.globalAlpha = 0.28
    if ((s.runs[i]?.length ?? 0) > 1) s.runs[i]?.forEach(line)
    c.x.globalAlpha = 1
    c.x.lineWidth = 2
    line(p)
  })
  c.x.restore()
  s.sides.forEach((p, i) => {
    const q = s.sides.length < 2 ? 0.5 : 0.3 + (0.5 * i) / (s.sides.length - 1)
    const v = valueAt(p, q)
    if (v === null) return
    const [x, y] = [f.X(v), Y(q)]
    c.x.fillStyle = c.color('--bg-2')
    c.x.fillRect(x - 7, y - 8, 14, 16)
    write(c, letter(i), x, y, colorOf(i), 'center', 'middle', BOLD)
  })
}

/** A row a side: its density on both sides of a line, the middle half as a bar, the median as a gap in it. */
export function drawViolin(c: Pen, s: Spread): void {
  const f = frame(c, s, 34)
  const row = (c.h - f.t - f.b) / s.sides.length
  s.sides.forEach((p, i) => {
    const y = f.t + row * (i + 0.5)
    write(c, letter(i), 14, y, colorOf(i), 'left', 'middle', BOLD)
    if (p.n === 0) return
    const at = Array.from({ length: STEPS + 1 }, (_, k) => between(s, k / STEPS))
    const d = densityOf(p, at)
    const high = row * 0.43
    c.x.beginPath()
    at.forEach((v, k) => c.x[k ? 'lineTo' : 'moveTo'](f.X(v), y - (d[k] ?? 0) * high))
    for (let k = STEPS; k >= 0; k--) c.x.lineTo(f.X(at[k] ?? 0), y + (d[k] ?? 0) * high)
    c.x.closePath()
    c.x.fillStyle = c.x.strokeStyle = c.color(colorOf(i))
    c.x.globalAlpha = 0.24
    c.x.fill()
    c.x.globalAlpha = 1
    c.x.lineWidth = 1.2
    c.x.stroke()
    const [a, m, b] = [0.25, 0.5, 0.75].map((q) => f.X(valueAt(p, q) ?? 0)) as [number, number, number]
    c.x.fillRect(a, y - 3.5, Math.max(2, b - a), 7)
    c.x.fillStyle = c.color('--bg-2')
    c.x.fillRect(m - 1.5, y - 3.5, 3, 7)
  })
}

function between(s: Spread, q: number): number {
  const [lo, hi] = s.reach
  return s.log ? Math.exp(Math.log(lo) + q * (Math.log(hi) - Math.log(lo))) : lo + q * (hi - lo)
}

/** A row a side: the share of its requests in each bin, all rows on one scale. */
export function drawBars(c: Pen, s: Spread): void {
  const f = frame(c, s, 34)
  const row = (c.h - f.t - f.b) / s.sides.length
  const count = Math.max(12, Math.min(48, Math.floor((c.w - f.l - f.r) / 9)))
  const [lo, hi] = s.log ? [Math.log(s.reach[0]), Math.log(s.reach[1])] : s.reach
  const shares = s.sides.map((p) => sharesOf(s.log ? { ...p, values: p.values.map((v) => Math.log(Math.max(v, 1e-9))) } : p, [lo, hi], count))
  const most = Math.max(1e-9, ...shares.flat())
  shares.forEach((bins, i) => {
    const floor = f.t + row * (i + 1) - 3
    hline(c, f.l, c.w - f.r, floor, '--line-2')
    write(c, letter(i), 14, floor - row / 2, colorOf(i), 'left', 'middle', BOLD)
    c.x.fillStyle = c.color(colorOf(i))
    bins.forEach((share, k) => {
      const [a, b] = [f.X(between(s, k / count)), f.X(between(s, (k + 1) / count))]
      const high = (share / most) * (row - 10)
      if (share > 0) c.x.fillRect(a + 0.5, floor - Math.max(1, high), Math.max(1, b - a - 1), Math.max(1, high))
    })
    const m = valueAt(s.sides[i] ?? { values: [], upTo: [], n: 0 }, 0.5)
    if (m === null) return
    c.x.fillStyle = c.color('--fg-1')
    c.x.fillRect(f.X(m) - 0.75, floor - row + 8, 1.5, row - 8)
  })
}
