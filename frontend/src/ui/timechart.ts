import uPlot from 'uplot'
import { axisValues, token } from './draw'
import { drawFlags, drawStrip } from './overlay'
import type { Band, Flag, Series } from './series'

/** Height of the labels of bands. */
const LABEL = 18

export interface ChartOptions {
  series: Series[]
  min: number
  max?: number
  log: boolean
  bands: () => Band[]
  bandLabels: boolean
  strip: () => Band[]
  flags: () => Flag[]
  fmt: (v: number) => string
  fmtX: (s: number) => string
  range: () => [number, number]
  oncursor: (index: number | null) => void
  /** The time under the pointer; null when it leaves. */
  onhover: (at: number | null) => void
  onzoom: (from: number, to: number) => void
}

function drawBands(u: uPlot, o: ChartOptions): void {
  const { ctx, bbox } = u
  const p = window.devicePixelRatio || 1
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.font = `500 ${10.5 * p}px "Inter Variable"`
  ctx.textBaseline = 'top'
  ctx.textAlign = 'left'
  let free = -Infinity
  o.bands().forEach((b, i) => {
    const x0 = u.valToPos(b.from, 'x', true)
    const x1 = u.valToPos(b.to, 'x', true)
    ctx.fillStyle = token('--band')
    if (i % 2 === 0) ctx.fillRect(x0, bbox.top, x1 - x0, bbox.height)
    const at = Math.max(x0, bbox.left) + 5 * p
    if (!o.bandLabels || !b.label || at < free || ctx.measureText(b.label).width > x1 - at) return
    ctx.fillStyle = token('--fg-3')
    ctx.fillText(b.label, at, bbox.top + 4 * p)
    free = at + ctx.measureText(b.label).width + 6 * p
  })
  ctx.restore()
}

type Shape = NonNullable<Series['dots']>

/** One mark of a scatter series; the colours are set before. */
function mark(ctx: CanvasRenderingContext2D, shape: Shape, x: number, y: number, r: number): void {
  ctx.beginPath()
  if (shape === 'cross') {
    ctx.moveTo(x - r, y - r)
    ctx.lineTo(x + r, y + r)
    ctx.moveTo(x + r, y - r)
    ctx.lineTo(x - r, y + r)
  } else ctx.arc(x, y, r, 0, 6.3)
  if (shape === true) ctx.fill()
  else ctx.stroke()
}

function dots(u: uPlot, index: number, color: string, shape: Shape): void {
  const { ctx } = u
  const p = window.devicePixelRatio || 1
  const [x0, x1] = [u.scales['x']?.min ?? 0, u.scales['x']?.max ?? 0]
  const ys = u.data[index] ?? []
  const few = ys.length < 120
  const r = (shape === 'cross' ? 3 : shape === 'ring' ? 2.8 : few ? 2.4 : 1.6) * p
  ctx.save()
  ctx.fillStyle = ctx.strokeStyle = token(color) + (few || shape !== true ? '' : '8c')
  ctx.lineWidth = (shape === 'cross' ? 1.6 : 1) * p
  u.data[0].forEach((t, i) => {
    const y = ys[i]
    if (y === null || y === undefined || t < x0 || t > x1) return
    mark(ctx, shape, u.valToPos(t, 'x', true), u.valToPos(y, 'y', true), r)
  })
  ctx.restore()
}

function fade(u: uPlot, color: string): CanvasGradient {
  const g = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height)
  g.addColorStop(0, token(color) + '2e')
  g.addColorStop(1, token(color) + '03')
  return g
}

function toSeries(s: Series, index: number): uPlot.Series {
  return {
    label: s.label,
    stroke: () => token(s.color),
    // Exactly one device pixel: wider lines take the slow path of the software renderer.
    width: 1,
    points: { show: false },
    ...(s.dash ? { dash: [4, 4] } : {}),
    ...(s.fill ? { fill: (u: uPlot) => fade(u, s.color) } : {}),
    ...(s.steps && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
    ...(s.dots ? { paths: (u: uPlot) => (dots(u, index + 1, s.color, s.dots ?? true), null) } : {}),
  }
}

/** The range of the value axis: fixed where given, else from zero to a little above the largest. */
function yRange(o: ChartOptions): uPlot.Range.Function {
  return (_u, lo, hi) => {
    if (o.log) return [Math.max(0.1, (lo ?? 1) / 1.4), Math.max(1, (hi ?? 10) * 1.4)]
    if (o.max !== undefined) return [o.min, o.max]
    const top = Math.max(hi ?? 1, o.min + 1e-9)
    return [o.min, o.min + (top - o.min || 1) * 1.12]
  }
}

function listen(u: uPlot, onhover: ChartOptions['onhover']): void {
  u.over.addEventListener('pointermove', (e) => onhover(u.posToVal(e.offsetX, 'x')))
  u.over.addEventListener('pointerleave', () => onhover(null))
}

/** Puts the crosshair at a time; away where the time is not in sight. */
export function point(u: uPlot, at: number | null): void {
  const { min, max } = u.scales['x'] ?? {}
  const seen = at !== null && min != null && max != null && at >= min && at <= max
  u.setCursor({ left: seen ? u.valToPos(at, 'x') : -10, top: 0 })
}

/** Builds the chart in el; data and size are set by the caller. */
export function build(el: HTMLElement, o: ChartOptions): uPlot {
  const axis: uPlot.Axis = { stroke: () => token('--axis'), font: '11px "Inter Variable"', grid: { stroke: () => token('--grid'), width: 1 }, ticks: { show: false } }
  const opts: uPlot.Options = {
    width: Math.max(40, el.clientWidth - 8), height: Math.max(40, el.clientHeight - 6), padding: [8, 18, 0, 0], legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false, range: () => o.range() }, y: { distr: o.log ? 3 : 1, range: yRange(o) } },
    axes: [
      { ...axis, size: 23, gap: 6, grid: { show: false }, space: 64, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600], values: (_u, v) => v.map(o.fmtX) },
      { ...axis, size: 42, gap: 5, space: 26, values: (_u, v) => axisValues(v) },
    ],
    series: [{}, ...o.series.map(toSeries)],
    hooks: {
      drawClear: [(u) => drawBands(u, o)],
      draw: [(u) => drawStrip(u, o.strip()), (u) => drawFlags(u, o.flags(), o.bandLabels ? LABEL : 0)],
      ready: [(u) => listen(u, o.onhover)],
      setCursor: [(u) => o.oncursor(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          if (u.select.width < 6) return
          o.onzoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'))
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
    },
  }
  return new uPlot(opts, [[], ...o.series.map(() => [])] as unknown as uPlot.AlignedData, el)
}
