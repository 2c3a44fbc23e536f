import type uPlot from 'uplot'
import { token } from './draw'
import type { Band, Flag } from './series'

/** What a time chart shows on top of its lines. */

const STRIP = 5
const SIDE = 14

export function drawStrip(u: uPlot, strip: readonly Band[]): void {
  if (!strip.length) return
  const { ctx, bbox } = u
  const p = window.devicePixelRatio || 1
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.fillStyle = token('--warn')
  for (const b of strip) {
    const x = u.valToPos(b.from, 'x', true)
    ctx.fillRect(x, bbox.top + bbox.height - STRIP * p, Math.max(2 * p, u.valToPos(b.to, 'x', true) - x), STRIP * p)
  }
  ctx.restore()
}

/** A dashed line at each moment, with its number so far below the top; numbers that would touch are left out. */
export function drawFlags(u: uPlot, flags: readonly Flag[], down: number): void {
  const { ctx, bbox } = u
  const p = window.devicePixelRatio || 1
  const { min, max } = u.scales['x'] ?? {}
  const top = bbox.top + down * p
  let free = -Infinity
  ctx.save()
  ctx.font = `700 ${10 * p}px "Inter Variable"`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  for (const f of [...flags].sort((a, b) => a.at - b.at)) {
    if (min == null || max == null || f.at < min || f.at > max) continue
    const x = Math.round(u.valToPos(f.at, 'x', true)) + 0.5
    ctx.strokeStyle = ctx.fillStyle = token(f.bad ? '--err' : '--warn')
    ctx.lineWidth = p
    ctx.setLineDash([3 * p, 3 * p])
    ctx.beginPath()
    ctx.moveTo(x, top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    const side = Math.max(SIDE * p, ctx.measureText(String(f.n)).width + 6 * p)
    if (x - side / 2 < free) continue
    ctx.beginPath()
    ctx.roundRect(x - side / 2, top, side, SIDE * p, 3 * p)
    ctx.fill()
    ctx.fillStyle = token('--bg-2')
    ctx.fillText(String(f.n), x, top + (SIDE / 2 + 0.5) * p)
    free = x + side / 2 + 2 * p
  }
  ctx.restore()
}
