/** A card of 1200 × 630 to share: one finding with its figures and its conditions, as SVG. Pure. */

/** Colours of the card by the names of the tokens. */
export interface Palette { bg: string; panel: string; line: string; band: string; fg1: string; fg2: string; fg3: string; ok: string; err: string; warn: string; runs: string[] }

/** One figure of all sides: the values as they are told, and where the effect of each stands between 0 and 1. */
export interface CardRow { name: string; unit: string; values: string[]; marks: CardMark[] }
export interface CardMark { side: number; at: number; low: number; high: number; text: string; tone: 'ok' | 'err' | 'mut' }
export interface CardSide { letter: string; name: string; more: string; baseline: boolean }

export interface Card {
  headline: string
  /** What the finding rests on. */
  basis: string
  caution: string
  sides: CardSide[]
  rows: CardRow[]
  /** The line of no difference, the band that is too small to matter, and the ticks of the common scale. */
  scale: { zero: number; band: [number, number]; ticks: { at: number; text: string }[]; title: string } | null
  /** Conditions: machine, engine, load, validity, date. */
  facts: { name: string; value: string }[]
  lang: string
}

const [W, H, M] = [1200, 630, 48]
const FONT = "'Inter Variable',Inter,'Segoe UI',system-ui,sans-serif"
const MOST_ROWS = 5

/** Text as it may stand in XML; what no XML may hold is left out. */
export function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the very characters that XML 1.0 forbids
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '')
    .replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&apos;')
}

/** About how wide a text is, in pixels: rather too wide, for nothing here can measure it. */
export function widthOf(text: string, size: number): number {
  let em = 0
  for (const ch of text) em += /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]|\p{Extended_Pictographic}/u.test(ch) ? 1.05 : /[MWmw@%]/.test(ch) ? 0.92 : /[A-Z]/.test(ch) ? 0.7 : /[ilj.,:;|!'()\u202f\u00a0 ]/.test(ch) ? 0.33 : 0.59
  return em * size
}

/** As much of a text as a width holds, with an ellipsis where it was longer. */
export function fitted(text: string, size: number, width: number): string {
  if (widthOf(text, size) <= width) return text
  const all = [...text]
  let end = all.length
  while (end > 0 && widthOf(`${all.slice(0, end).join('')}…`, size) > width) end--
  return `${all.slice(0, end).join('').trimEnd()}…`
}

/** A text in lines; the last one ends in an ellipsis where more would follow. */
export function wrapped(text: string, size: number, width: number, most: number): string[] {
  const lines: string[] = []
  let line = ''
  const words = text.split(/\s(?<!\u00a0|\u202f)/)
  for (const [i, word] of words.entries()) {
    const next = line ? `${line} ${word}` : word
    if (!line || widthOf(next, size) <= width) {
      line = next
      continue
    }
    if (lines.length === most - 1) return [...lines, fitted([line, ...words.slice(i)].join(' '), size, width)]
    lines.push(fitted(line, size, width))
    line = word
  }
  return [...lines, fitted(line, size, width)]
}

interface Style { size: number; fill: string; weight?: number; anchor?: 'start' | 'middle' | 'end' }

function put(x: number, y: number, text: string, s: Style): string {
  return `<text x="${round(x)}" y="${round(y)}" font-size="${s.size}" fill="${s.fill}" font-weight="${s.weight ?? 430}"${s.anchor ? ` text-anchor="${s.anchor}"` : ''}>${escapeXml(text)}</text>`
}
const round = (v: number): number => Math.round(v * 10) / 10

const shapes = ['circle', 'diamond', 'square', 'triangle'] as const
function mark(side: number, x: number, y: number, r: number, fill: string): string {
  const points = (list: [number, number][]): string => `<polygon points="${list.map(([a, b]) => `${round(x + a * r)},${round(y + b * r)}`).join(' ')}" fill="${fill}"/>`
  switch (shapes[side % shapes.length]) {
    case 'diamond': return points([[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]])
    case 'square': return points([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]])
    case 'triangle': return points([[0, -1.2], [1.2, 0.95], [-1.2, 0.95]])
    default: return `<circle cx="${round(x)}" cy="${round(y)}" r="${r}" fill="${fill}"/>`
  }
}

/** The card as a document of its own. */
export function cardSvg(c: Card, p: Palette): string {
  const head = wrapped(c.headline, 34, W - 2 * M, 2)
  let y = 118
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${W}" height="${H}" viewBox="0 0 ${W} ${H}" font-family="${FONT}" xml:lang="${escapeXml(c.lang)}" role="img">`,
    `<title>${escapeXml(c.headline)}</title>`,
    `<rect width="${W}" height="${H}" fill="${p.bg}"/>`,
    brand(p),
    put(W - M, 59, 'github.com/inferometer/inferometer', { size: 17, fill: p.fg3, anchor: 'end' }),
  ]
  for (const line of head) {
    out.push(put(M, y, line, { size: 34, fill: p.fg1, weight: 620 }))
    y += 42
  }
  out.push(put(M, y - 8, fitted(c.basis, 18, W - 2 * M), { size: 18, fill: p.fg2 }))
  if (c.caution) out.push(put(M, (y += 24) - 8, fitted(`▲ ${c.caution}`, 17, W - 2 * M), { size: 17, fill: p.warn }))
  y += 14
  out.push(sidesOf(c, p, y))
  y += c.sides.length > 4 ? 60 : 46
  out.push(c.scale ? table(c, p, y, H - 106 - y) : figures(c, p, y, H - 106 - y), factsOf(c, p), '</svg>')
  return out.join('')
}

function brand(p: Palette): string {
  const bars = [[0, 10], [8, 17], [16, 24]].map(([x, h]) => `<rect x="${M + (x ?? 0)}" y="${62 - (h ?? 0)}" width="5" height="${h}" rx="1.5" fill="${p.fg1}"/>`).join('')
  return bars + put(M + 32, 60, 'Inferometer', { size: 21, fill: p.fg1, weight: 620 })
}

/** The sides in one row, or in two where they are many. */
function sidesOf(c: Card, p: Palette, y: number): string {
  const columns = c.sides.length > 4 ? Math.ceil(c.sides.length / 2) : Math.max(1, c.sides.length)
  const wide = (W - 2 * M) / columns
  const small = c.sides.length > 4
  return c.sides.map((s, i) => {
    const [x, top] = [M + (i % columns) * wide, y + (small ? Math.floor(i / columns) * 28 : 0)]
    const color = p.runs[i % p.runs.length] ?? p.fg1
    const room = wide - 62
    const parts = [`<rect x="${round(x)}" y="${top}" width="22" height="22" rx="5" fill="${color}"/>`, put(x + 11, top + 16.5, s.letter, { size: 15, fill: p.bg, weight: 700, anchor: 'middle' }),
      put(x + 32, top + 17, fitted(s.name, 18, room), { size: 18, fill: p.fg1, weight: 560 })]
    if (!small && s.more) parts.push(put(x + 32, top + 37, fitted(s.more, 14.5, room), { size: 14.5, fill: p.fg2 }))
    return parts.join('')
  }).join('')
}

/** Each figure with the values of the sides and its effects on one scale. */
function table(c: Card, p: Palette, top: number, room: number): string {
  const scale = c.scale
  if (!scale) return ''
  const rows = c.rows.slice(0, MOST_ROWS)
  const shown = c.sides.length <= 4 ? c.sides.length : 0
  const nameW = 250
  const valueW = shown ? Math.min(150, 430 / shown) : 0
  const x0 = M + nameW + shown * valueW + 34
  const effectW = 118
  const wide = W - M - 18 - effectW - x0
  const X = (at: number): number => x0 + Math.min(1, Math.max(0, at)) * wide
  const headH = 26
  const rowH = Math.min(62, (room - headH) / Math.max(1, rows.length))
  const bottom = top + headH + rowH * rows.length
  const out = [`<rect x="${M - 14}" y="${round(top)}" width="${W - 2 * M + 28}" height="${round(bottom - top + 4)}" rx="10" fill="${p.panel}" stroke="${p.line}"/>`,
    `<rect x="${round(X(scale.band[0]))}" y="${round(top + headH)}" width="${round(X(scale.band[1]) - X(scale.band[0]))}" height="${round(bottom - top - headH)}" fill="${p.band}"/>`,
    `<rect x="${round(X(scale.zero) - 0.75)}" y="${round(top + headH)}" width="1.5" height="${round(bottom - top - headH)}" fill="${p.fg3}"/>`,
    put(W - M, top + 18, scale.title, { size: 13.5, fill: p.fg2, anchor: 'end' })]
  for (const t of scale.ticks) out.push(put(X(t.at), top + 18, t.text, { size: 13, fill: p.fg3, anchor: 'middle' }))
  for (let i = 0; i < shown; i++) out.push(put(M + nameW + (i + 1) * valueW, top + 18, c.sides[i]?.letter ?? '', { size: 14, fill: p.runs[i % p.runs.length] ?? p.fg1, weight: 700, anchor: 'end' }))
  rows.forEach((row, i) => {
    const y = top + headH + rowH * i
    const mid = y + rowH / 2
    out.push(`<rect x="${M - 14}" y="${round(y)}" width="${W - 2 * M + 28}" height="1" fill="${p.line}"/>`)
    out.push(put(M, mid - 2, fitted(row.name, 17, nameW - 6), { size: 17, fill: p.fg1, weight: 530 }), put(M, mid + 16, fitted(row.unit, 13.5, nameW - 6), { size: 13.5, fill: p.fg3 }))
    row.values.slice(0, shown).forEach((v, k) => out.push(put(M + nameW + (k + 1) * valueW, mid + 6, fitted(v, 18, valueW - 8), { size: 18, fill: p.fg1, weight: 560, anchor: 'end' })))
    const lane = rowH / (row.marks.length + 1)
    row.marks.forEach((m, k) => {
      const my = row.marks.length === 1 ? mid : y + lane * (k + 1)
      const color = p.runs[m.side % p.runs.length] ?? p.fg1
      out.push(`<rect x="${round(X(m.low))}" y="${round(my - 1)}" width="${round(Math.max(1, X(m.high) - X(m.low)))}" height="2" fill="${m.tone === 'err' ? p.err : color}"/>`, mark(m.side, X(m.at), my, row.marks.length > 3 ? 3.5 : 5.5, color))
      const tone = m.tone === 'ok' ? p.ok : m.tone === 'err' ? p.err : p.fg2
      if (row.marks.length <= 3) out.push(put(W - M, my + 5, m.text, { size: row.marks.length > 1 ? 14 : 17, fill: tone, weight: 560, anchor: 'end' }))
    })
  })
  return out.join('')
}

/** The figures of one run, large. */
function figures(c: Card, p: Palette, top: number, room: number): string {
  const rows = c.rows.slice(0, MOST_ROWS)
  const wide = (W - 2 * M - 16 * (rows.length - 1)) / Math.max(1, rows.length)
  const high = Math.min(room - 20, 230)
  return rows.map((row, i) => {
    const x = M + i * (wide + 16)
    const size = [52, 44, 36, 28].find((s) => widthOf(row.values[0] ?? '', s) <= wide - 36) ?? 24
    return [`<rect x="${round(x)}" y="${round(top)}" width="${round(wide)}" height="${round(high)}" rx="10" fill="${p.panel}" stroke="${p.line}"/>`,
      put(x + 18, top + 36, fitted(row.name, 17, wide - 30), { size: 17, fill: p.fg2, weight: 530 }),
      put(x + 18, top + high / 2 + 24, row.values[0] ?? '', { size, fill: p.fg1, weight: 620 }),
      put(x + 18, top + high - 22, fitted(row.unit, 15, wide - 30), { size: 15, fill: p.fg3 })].join('')
  }).join('')
}

/** The conditions at the foot, two lines of columns. */
function factsOf(c: Card, p: Palette): string {
  const facts = c.facts.filter((f) => f.value)
  const columns = Math.max(1, Math.ceil(facts.length / 2))
  const wide = (W - 2 * M) / columns
  const out = [`<rect x="${M}" y="${H - 88}" width="${W - 2 * M}" height="1" fill="${p.line}"/>`]
  facts.forEach((f, i) => {
    const [x, y] = [M + (i % columns) * wide, H - 58 + Math.floor(i / columns) * 28]
    const name = `${f.name} `
    out.push(`<text x="${round(x)}" y="${y}" font-size="16" fill="${p.fg2}"><tspan fill="${p.fg3}">${escapeXml(name)}</tspan><tspan> ${escapeXml(fitted(f.value, 16, wide - 20 - widthOf(name, 16)))}</tspan></text>`)
  })
  return out.join('')
}
