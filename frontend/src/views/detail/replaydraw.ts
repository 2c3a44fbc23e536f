import type { Stage } from '../../api'
import { num } from '../../lib/format'
import type { Axis } from '../../lib/run/load'
import { hline, label as write, steps, type Pen } from '../../ui/draw'
import { stageLabel } from '../shared/loads'
import { phaseName } from '../shared/words'
import type { Lane } from './lanes'
import type { Strip } from './strips'

/** The replay's picture; times are ms from the start of the run. */
export interface Replayed {
  rows: Lane[]
  strips: Strip[]
  times: number[]
  phases: { phase: Parameters<typeof phaseName>[0]; from: number }[]
  stages: Stage[]
  axis: Axis
  stage: number | null
  /** A stretch that was asked for. */
  focus: [number, number] | null
  /** What happened, in seconds. */
  flags: { from: number | null; tone: 'mut' | 'warn' | 'err' }[]
  start: number
  end: number
  now: number
  index: number
}

export const [LEFT, RIGHT, TOP, BOTTOM] = [112, 84, 20, 22]
const GAP = 10
const STRIP = 20
const SMALL = '11px "Inter Variable"'

/** m:ss of a time in ms. */
export const clock = (ms: number): string => `${ms < 0 ? '\u2212' : ''}${Math.floor(Math.abs(ms) / 60_000)}:${String(Math.floor((Math.abs(ms) / 1000) % 60)).padStart(2, '0')}`

export function drawReplay(c: Pen, v: Replayed): void {
  const X = (ms: number): number => LEFT + ((ms - v.start) / (v.end - v.start || 1)) * (c.w - LEFT - RIGHT)
  const floor = c.h - BOTTOM
  const lanesEnd = floor - v.strips.length * STRIP
  c.x.save()
  c.x.beginPath()
  c.x.rect(LEFT, 0, c.w - LEFT - RIGHT, c.h)
  c.x.clip()
  drawPhases(c, v, X, floor)
  if (v.focus && v.focus[1] >= v.start && v.focus[0] <= v.end) {
    c.x.fillStyle = c.color('--warn', '2e')
    const [from, to] = [X(Math.max(v.start, v.focus[0])), X(Math.min(v.end, v.focus[1]))]
    c.x.fillRect(from, TOP, Math.max(2, to - from), floor - TOP)
  }
  const height = (lanesEnd - TOP - GAP * (v.rows.length - 1)) / Math.max(1, v.rows.length)
  const rows = v.rows.map((lane, k): [Lane, number] => [lane, TOP + k * (height + GAP) + height])
  rows.forEach(([lane, y1], k) => drawLane(c, v, lane, X, y1, height, ['--d1', '--d1', '--d1', '--d2', '--d4'][k % 5] ?? '--d1'))
  c.x.restore()
  rows.forEach(([lane, y1]) => nameLane(c, v, lane, y1, height))
  v.strips.forEach((s, k) => drawStrip(c, v, s, X, lanesEnd + k * STRIP))
  drawFlags(c, v, X, floor)
  const x = Math.round(X(v.now)) + 0.5
  c.x.strokeStyle = c.color('--fg-1')
  c.x.beginPath()
  c.x.moveTo(x, TOP)
  c.x.lineTo(x, floor)
  c.x.stroke()
  const ticks = steps(v.start / 1000, v.end / 1000, Math.max(2, Math.floor(c.w / 130)))
  const whole = ticks.every(Number.isInteger)
  for (const s of ticks) write(c, Number.isInteger(s) || whole ? clock(s * 1000) : `${num(s, (ticks[1] ?? 1) - (ticks[0] ?? 0) < 0.1 ? 2 : 1)} s`, X(s * 1000), c.h - 7, '--axis', 'center', 'alphabetic')
}

function drawPhases(c: Pen, v: Replayed, X: (ms: number) => number, floor: number): void {
  c.x.font = SMALL
  const fits = (text: string, from: number, to: number): boolean => to - from > c.x.measureText(text).width + 8
  v.phases.forEach((p, i) => {
    const [from, to] = [X(p.from), X(v.phases[i + 1]?.from ?? v.end)]
    if (p.phase === 'measure') {
      c.x.fillStyle = c.color('--band')
      c.x.fillRect(from, TOP, to - from, floor - TOP)
      if (v.stages.length) return
    }
    if (fits(phaseName(p.phase), from, to)) write(c, phaseName(p.phase), from + 4, 10, '--fg-3')
  })
  for (const s of v.stages) {
    const [x, to] = [Math.round(X((s.start_us ?? 0) / 1000)), X((s.end_us ?? s.start_us ?? 0) / 1000)]
    c.x.fillStyle = c.color('--line-3')
    c.x.fillRect(x, TOP, 1, floor - TOP)
    const text = stageLabel(s, v.axis)
    if (fits(text, x, to)) write(c, text, x + 4, 10, s.index === v.stage ? '--fg-1' : '--fg-3')
  }
}

function drawLane(c: Pen, v: Replayed, lane: Lane, X: (ms: number) => number, y1: number, height: number, color: string): void {
  hline(c, LEFT, c.w - RIGHT, y1)
  c.x.beginPath()
  let open = false
  const xs: number[] = []
  lane.values.forEach((value, i) => {
    if (value === null) return void (open = false)
    const [x, y] = [X(v.times[i] ?? 0), y1 - Math.min(1, Math.max(0, value / lane.top)) * (height - 2)]
    if (open) c.x.lineTo(x, y)
    else c.x.moveTo(x, y)
    xs.push(x)
    open = true
  })
  c.x.strokeStyle = c.color(color)
  c.x.lineWidth = 1
  c.x.stroke()
  c.x.lineTo(xs[xs.length - 1] ?? LEFT, y1)
  c.x.lineTo(xs[0] ?? LEFT, y1)
  c.x.fillStyle = c.color(color, '22')
  c.x.fill()
}

function nameLane(c: Pen, v: Replayed, lane: Lane, y1: number, height: number): void {
  write(c, lane.label, 12, y1 - height / 2, '--fg-2', 'left', 'middle', '12px "Inter Variable"')
  write(c, lane.fmt(lane.values[v.index] ?? null), c.w - 10, y1 - height / 2, '--fg-1', 'right', 'middle', '600 11.5px "Inter Variable"')
}

/** A thin line at what happened; its number stands in the lane of events above. */
function drawFlags(c: Pen, v: Replayed, X: (ms: number) => number, floor: number): void {
  c.x.save()
  c.x.setLineDash([3, 3])
  for (const f of v.flags) {
    const ms = (f.from ?? -Infinity) * 1000
    if (f.tone === 'mut' || ms < v.start || ms > v.end) continue
    const x = Math.round(X(ms)) + 0.5
    c.x.strokeStyle = c.color(f.tone === 'err' ? '--err' : '--warn')
    c.x.beginPath()
    c.x.moveTo(x, TOP)
    c.x.lineTo(x, floor)
    c.x.stroke()
  }
  c.x.restore()
}

function drawStrip(c: Pen, v: Replayed, s: Strip, X: (ms: number) => number, y: number): void {
  write(c, s.label, 12, y + 12, '--fg-2', 'left', 'middle', '12px "Inter Variable"')
  for (const p of s.parts) {
    if (p.to < v.start || p.from > v.end) continue
    const from = X(Math.max(v.start, p.from))
    const wide = Math.max(2, X(Math.min(v.end, p.to)) - from)
    c.x.fillStyle = c.color('--warn', '40')
    c.x.fillRect(from, y + 4, wide, STRIP - 4)
    c.x.font = SMALL
    if (c.x.measureText(p.text).width + 8 < wide) write(c, p.text, from + 4, y + 12, '--fg-1')
  }
  const at = s.parts.find((p) => p.from <= v.now && v.now <= p.to)
  c.x.font = SMALL
  if (at) write(c, at.text, c.w - 10, y + 12, '--fg-1', 'right')
}
