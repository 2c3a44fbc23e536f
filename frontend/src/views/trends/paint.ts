import { buildBands, levelSpans, placeOfChange, places, timeTicks, valueRange, type Along } from '../../lib/trends'
import type { Trend } from '../../state'
import { axisValues, hline, label as write, steps, type Pen } from '../../ui/draw'

/** Draws a series: its runs, the levels they keep to, where those changed, and the builds of the engine. */

export const inset = { l: 58, r: 18, t: 46, b: 26 }

export interface Frame { X: (place: number) => number; Y: (v: number) => number; at: number[] }

/** Points keep off the edges so that the first and the last are whole. */
export function frame(t: Trend, along: Along, w: number, h: number): Frame {
  const [lo, hi] = valueRange(t)
  const wide = w - inset.l - inset.r
  return {
    X: (place) => inset.l + (0.02 + 0.96 * place) * wide,
    Y: (v) => h - inset.b - ((v - lo) / (hi - lo)) * (h - inset.t - inset.b),
    at: places(t, along),
  }
}

export interface Look { along: Along; hot: number | null; chosen: number | null; day: (ms: number, days: boolean) => string; value: (v: number) => string; nth: string }

export function paint(c: Pen, t: Trend, look: Look): void {
  const f = frame(t, look.along, c.w, c.h)
  const edge = (i: number): number => (f.X(f.at[i - 1] ?? 0) + f.X(f.at[i] ?? 0)) / 2
  builds(c, t, edge)
  axes(c, t, f, look)
  levels(c, t, f, look)
  changes(c, t, edge, look)
  points(c, t, f, look)
}

function builds(c: Pen, t: Trend, edge: (i: number) => number): void {
  const all = buildBands(t).filter((b) => b.build)
  all.forEach((b, i) => {
    const from = b.from === 0 ? inset.l : edge(b.from)
    const to = b.to === t.points.length - 1 ? c.w - inset.r : edge(b.to + 1)
    if (i % 2 && all.length > 1) {
      c.x.fillStyle = c.color('--band')
      c.x.fillRect(from, 4, to - from, c.h - inset.b - 4)
    }
    c.x.font = '500 11px "Inter Variable"'
    if (c.x.measureText(b.build).width + 10 < to - from) write(c, b.build, from + 5, 13, '--fg-2', 'left', 'middle', '500 11px "Inter Variable"')
    if (b.from > 0) dashed(c, from, 4, c.h - inset.b, '--line-3')
  })
}

function dashed(c: Pen, x: number, from: number, to: number, color: string): void {
  c.x.strokeStyle = c.color(color)
  c.x.lineWidth = 1
  c.x.setLineDash([3, 3])
  c.x.beginPath()
  c.x.moveTo(Math.round(x) + 0.5, from)
  c.x.lineTo(Math.round(x) + 0.5, to)
  c.x.stroke()
  c.x.setLineDash([])
}

function axes(c: Pen, t: Trend, f: Frame, look: Look): void {
  const [lo, hi] = valueRange(t)
  const ticks = steps(lo, hi, Math.max(3, Math.floor((c.h - inset.t - inset.b) / 44)))
  const told = axisValues(ticks)
  ticks.forEach((v, i) => {
    if (f.Y(v) < inset.t - 4) return
    hline(c, inset.l, c.w - inset.r, f.Y(v))
    write(c, told[i] ?? '', inset.l - 8, f.Y(v), '--axis', 'right')
  })
  write(c, t.unit, inset.l - 8, c.h - 8, '--axis', 'right', 'alphabetic')
  const n = t.points.length
  const [first, last] = [Date.parse(t.points[0]?.at ?? ''), Date.parse(t.points[n - 1]?.at ?? '')]
  if (look.along === 'run' || !(last > first)) {
    for (const v of steps(1, n, Math.min(n, Math.max(2, Math.floor(c.w / 70))))) if (Number.isInteger(v)) write(c, String(v), f.X(f.at[v - 1] ?? 0), c.h - 8, '--axis', 'center', 'alphabetic')
    write(c, look.nth, c.w - 6, c.h - 8, '--axis', 'right', 'alphabetic')
    return
  }
  const { at, days } = timeTicks(first, last, Math.max(2, Math.floor(c.w / 96)))
  for (const v of at) {
    const x = f.X((v - first) / (last - first))
    if (x > inset.l + 26 && x < c.w - 24) write(c, look.day(v, days), x, c.h - 8, '--axis', 'center', 'alphabetic')
  }
}

function levels(c: Pen, t: Trend, f: Frame, look: Look): void {
  for (const l of levelSpans(t)) {
    const [a, b] = [f.X(f.at[l.from] ?? 0) - 5, f.X(f.at[l.to] ?? 0) + 5]
    if (l.interval) {
      c.x.globalAlpha = 0.2
      c.x.fillStyle = c.color('--d1')
      c.x.fillRect(a, f.Y(l.interval[1]), b - a, Math.max(1, f.Y(l.interval[0]) - f.Y(l.interval[1])))
      c.x.globalAlpha = 1
    }
    c.x.fillStyle = c.color('--fg-1')
    c.x.fillRect(a, f.Y(l.mean) - 0.75, b - a, 1.5)
    if (t.levels.length > 1 && b - a > 60) {
      const top = Math.max(...t.points.slice(l.from, Math.min(l.from + 6, l.to) + 1).map((p) => p.value))
      write(c, look.value(l.mean), a + 2, Math.min(f.Y(top), f.Y(l.mean)) - 14, '--fg-1', 'left', 'middle', '600 11.5px "Inter Variable"')
    }
  }
}

function changes(c: Pen, t: Trend, edge: (i: number) => number, look: Look): void {
  t.changes.forEach((x, i) => {
    const px = edge(placeOfChange(t, x))
    const color = x.direction === 'better' ? '--ok' : '--err'
    c.x.strokeStyle = c.color(color)
    c.x.lineWidth = look.chosen === i ? 2 : 1
    c.x.beginPath()
    c.x.moveTo(Math.round(px) + 0.5, 38)
    c.x.lineTo(Math.round(px) + 0.5, c.h - inset.b)
    c.x.stroke()
    c.x.fillStyle = c.color(color)
    c.x.beginPath()
    c.x.arc(px, 31, look.chosen === i ? 9 : 8, 0, 7)
    c.x.fill()
    write(c, String(i + 1), px, 31.5, '--bg-2', 'center', 'middle', '700 11px "Inter Variable"')
  })
}

function points(c: Pen, t: Trend, f: Frame, look: Look): void {
  const small = t.points.length > 150 ? 2.5 : 3.75
  t.points.forEach((p, i) => {
    const hot = look.hot === i
    c.x.beginPath()
    c.x.arc(f.X(f.at[i] ?? 0), f.Y(p.value), hot ? 5.5 : small, 0, 7)
    c.x.fillStyle = c.color('--d1')
    c.x.fill()
    c.x.lineWidth = hot ? 2 : 1
    c.x.strokeStyle = c.color(hot ? '--fg-1' : '--bg-2')
    c.x.stroke()
  })
}
