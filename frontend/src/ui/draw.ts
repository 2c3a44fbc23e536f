/** What canvas charts share: sharp pixels, theme colours, axis steps, text. */

/** The value of a design token now. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** A number on an axis: thin groups and the decimal mark of the page's language. */
export function axisNumber(v: number, decimals: number): string {
  const [whole = '0', part] = Math.abs(v).toFixed(decimals).split('.')
  const grouped = whole.length < 4 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  const mark = document.documentElement.lang.startsWith('pt') ? ',' : '.'
  return `${v < 0 ? '\u2212' : ''}${grouped}${part ? mark + part : ''}`
}

/** Axis numbers, all with the same decimals: as few as tell them apart. */
export function axisValues(v: readonly (number | null)[]): string[] {
  const known = v.filter((y): y is number => y !== null)
  const exact = (d: number): boolean => known.every((y) => Math.abs(y - Number(y.toFixed(d))) < 1e-9)
  const decimals = [0, 1, 2].find(exact) ?? 3
  return v.map((y) => (y === null ? '' : axisNumber(y, decimals)))
}

export interface Pen {
  x: CanvasRenderingContext2D
  w: number
  h: number
  color: (name: string, alpha?: string) => string
}

/** Sizes the canvas to its box and returns a pen in CSS pixels, or null when it is not visible. */
export function pen(canvas: HTMLCanvasElement): Pen | null {
  const w = canvas.clientWidth
  const h = canvas.clientHeight
  const x = canvas.getContext('2d')
  if (!x || w < 2 || h < 2) return null
  const p = window.devicePixelRatio || 1
  canvas.width = Math.round(w * p)
  canvas.height = Math.round(h * p)
  x.setTransform(p, 0, 0, p, 0, 0)
  x.clearRect(0, 0, w, h)
  return { x, w, h, color: (name, alpha = '') => token(name) + alpha }
}

export function label(
  c: Pen, text: string, px: number, py: number, color = '--axis', align: CanvasTextAlign = 'left', base: CanvasTextBaseline = 'middle',
  font = '11px "Inter Variable"',
): void {
  c.x.font = font
  c.x.fillStyle = c.color(color)
  c.x.textAlign = align
  c.x.textBaseline = base
  c.x.fillText(text, px, py)
}

export function hline(c: Pen, from: number, to: number, y: number, color = '--grid'): void {
  c.x.strokeStyle = c.color(color)
  c.x.lineWidth = 1
  c.x.beginPath()
  c.x.moveTo(from, Math.round(y) + 0.5)
  c.x.lineTo(to, Math.round(y) + 0.5)
  c.x.stroke()
}

/** Round steps for an axis: 1, 2 or 5 times a power of ten, about n of them within [min, max]. */
export function steps(min: number, max: number, n: number): number[] {
  const span = max - min
  if (!(span > 0) || n < 1) return [min]
  const raw = span / n
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10) * power
  const out: number[] = []
  for (let v = Math.ceil(min / step) * step; v <= max + step * 1e-6; v += step) out.push(Number(v.toPrecision(12)))
  return out
}

/** The least round number that is not below v, for the top of an axis that starts at zero. */
export function roof(v: number): number {
  if (!(v > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(v))
  return ([1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((m) => m * power >= v * 0.9999) ?? 10) * power
}

/** Equal-width bins over the values; the last one also holds everything above hi. */
export function bins(values: readonly number[], count: number, hi?: number): { from: number; to: number; n: number }[] {
  if (values.length === 0) return []
  const lo = Math.min(...bounds(values))
  const top = Math.max(hi ?? Math.max(...bounds(values)), lo)
  const width = (top - lo) / count || 1
  const out = Array.from({ length: count }, (_, i) => ({ from: lo + i * width, to: lo + (i + 1) * width, n: 0 }))
  for (const v of values) {
    const bin = out[Math.min(count - 1, Math.max(0, Math.floor((v - lo) / width)))]
    if (bin) bin.n++
  }
  return out
}

function bounds(values: readonly number[]): [number, number] {
  let lo = Infinity
  let hi = -Infinity
  for (const v of values) {
    if (v < lo) lo = v
    if (v > hi) hi = v
  }
  return [lo, hi]
}

/** Linear interpolation between the closest ranks of sorted values. */
export function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null
  const at = (sorted.length - 1) * q
  const lo = sorted[Math.floor(at)] ?? 0
  const hi = sorted[Math.ceil(at)] ?? lo
  return lo + (hi - lo) * (at - Math.floor(at))
}
