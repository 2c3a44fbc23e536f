import type { Comparison, ComparisonMetric, Effect, Run, SideInput } from '../api/types'
import { leadFigures } from './run/stages'

/** What the screens of a comparison draw from it. Pure. */

/** An effect turned so that above 1 is better, whichever way the metric points. */
export interface Gain { ratio: number; low: number | null; high: number | null }

export function gainOf(m: Pick<ComparisonMetric, 'better'>, e: Pick<Effect, 'ratio' | 'interval'>): Gain {
  const [low, high] = e.interval ?? [null, null]
  if (m.better === 'higher') return { ratio: e.ratio, low, high }
  return { ratio: 1 / e.ratio, low: high === null ? null : 1 / high, high: low === null ? null : 1 / low }
}

/** The common scale of a forest plot: logarithmic, so that half and double are equally far from the line of no difference. */
export interface Scale { low: number; high: number; ticks: { percent: number; at: number }[]; zero: number; band: [number, number] }

/** Beyond four times as good or as bad the plot ends in an arrow, or one figure would flatten all others. */
const FURTHEST = Math.log(4)
const ROUND = [-75, -50, -33, -25, -20, -10, -5, -2, -1, 1, 2, 5, 10, 25, 50, 100, 200, 300]
/** Ticks stand so far from each other, and from the ends, that their words do not touch. */
const [APART, EDGE] = [0.2, 0.03]

export function scaleOf(c: Pick<Comparison, 'metrics' | 'min_effect_percent'>): Scale {
  const margin = Math.log(1 + c.min_effect_percent / 100)
  const gains = c.metrics.flatMap((m) => m.values.flatMap((v) => (v.effect ? [gainOf(m, v.effect)] : [])))
  const reach = Math.max(0, ...gains.map((g) => Math.abs(Math.log(g.ratio))))
  const limit = Math.min(FURTHEST, Math.max(2 * reach, 3 * margin, Math.log(1.05)))
  const pad = Math.max(1.6 * margin, limit * 0.08)
  const edge = (x: number | null, own: number): number => Math.log(x ?? own)
  const low = Math.max(-limit, Math.min(-pad, ...gains.map((g) => edge(g.low, g.ratio) - pad / 3)))
  const high = Math.min(limit, Math.max(pad, ...gains.map((g) => edge(g.high, g.ratio) + pad / 3)))
  const at = (ln: number): number => Math.min(1, Math.max(0, (ln - low) / (high - low)))
  return { low, high, ticks: ticksOf(at), zero: at(0), band: [at(-margin), at(margin)] }
}

/** No difference, then the furthest round numbers, then what finds room between. */
function ticksOf(at: (ln: number) => number): Scale['ticks'] {
  const ticks = [{ percent: 0, at: at(0) }]
  const outward = [...ROUND].sort((x, y) => Math.abs(Math.log(1 + y / 100)) - Math.abs(Math.log(1 + x / 100)))
  for (const percent of outward) {
    const place = at(Math.log(1 + percent / 100))
    if (place > EDGE && place < 1 - EDGE && ticks.every((t) => Math.abs(t.at - place) >= APART)) ticks.push({ percent, at: place })
  }
  return ticks.sort((x, y) => x.at - y.at)
}

/** Where a gain stands between 0 and 1; what lies outside is at the edge. */
export function placeOf(s: Scale, gain: number): { at: number; out: -1 | 0 | 1 } {
  const ln = Math.log(gain)
  const out = ln < s.low - 1e-9 ? -1 : ln > s.high + 1e-9 ? 1 : 0
  return { at: Math.min(1, Math.max(0, (ln - s.low) / (s.high - s.low))), out }
}

/** Half the width of an interval. */
export function half(interval: readonly number[] | null): number | null {
  return interval ? ((interval[1] ?? 0) - (interval[0] ?? 0)) / 2 : null
}

/** The figure of one run by the key of a metric, as the program itself takes it: at a load, or at the one it is spoken of by. */
export function valueOf(r: Run, key: string, load = ''): number | null {
  const several = (r.summary?.stages.length ?? 0) > 1
  const stage = load && several ? r.summary?.stages.find((s) => s.name === load && s.summary !== null) : null
  const f = load && several ? (stage?.summary ?? null) : leadFigures(r)
  const peak = stage?.hardware?.peak ?? r.hardware_metrics.peak
  if (!f) return null
  switch (key) {
    case 'decode_tokens_per_second': return f.decode_tokens_per_second
    case 'output_tokens_per_second': return f.output_tokens_per_second
    case 'prefill_tokens_per_second': return f.prefill_tokens_per_second
    case 'requests_per_second': return f.requests_per_second
    case 'ttft_ms': return f.ttft_ms.p50
    case 'ttft_p95_ms': return f.ttft_ms.p95
    case 'tpot_ms': return f.tpot_ms.p50
    case 'itl_p99_ms': return f.itl_ms.p99
    case 'e2e_ms': return f.e2e_ms.p50
    case 'j_per_token': return f.energy?.scopes.find((s) => s.j_per_token !== null)?.j_per_token ?? null
    case 'peak_vram_gb': return peak.vram_usage_gb
    case 'peak_ram_gb': return peak.ram_usage_gb
    default: return null
  }
}

/** The letter of a side: A, B, C. */
export const letter = (i: number): string => String.fromCharCode(65 + i)

/** Colour and shape of a side; both tell it, for colour alone is not seen by all. */
export const colorOf = (i: number): string => `--r${(i % 8) + 1}`
export type Shape = 'circle' | 'diamond' | 'square' | 'triangle'
const shapes: readonly Shape[] = ['circle', 'diamond', 'square', 'triangle']
export const shapeOf = (i: number): Shape => shapes[i % shapes.length] ?? 'circle'

const MOST_NAME_PARTS = 2

/**
 * Sides with names that tell them apart, or null where they do already: those of one name get what differs between
 * them, and where that is nothing, their letter.
 */
export function named(c: Pick<Comparison, 'sides' | 'differs'>, word: (key: string, value: string) => string): SideInput[] | null {
  const names = c.sides.map((s, i) => {
    const twins = c.sides.flatMap((x, k) => (x.name === s.name ? [k] : []))
    if (twins.length === 1) return s.name
    const facts = c.differs.filter((d) => (d.about === 'settings' || d.about === 'engine') && !d.values.includes('varies') && new Set(twins.map((k) => d.values[k])).size > 1)
    return [s.name, ...facts.slice(0, MOST_NAME_PARTS).map((d) => word(d.key, d.values[i] ?? '')).filter(Boolean)].join(' · ')
  })
  if (names.every((n, i) => n === c.sides[i]?.name) && new Set(names).size === names.length) return null
  const told = new Set(names).size === names.length
  return c.sides.map((s, i) => ({ name: told ? names[i] : `${s.name} ${letter(i)}`, runs: s.runs }))
}

/** A table in Markdown; what stands in a cell breaks neither the row nor the cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`
  return [line(head), `|${head.map((_, i) => (i ? '---:' : '---')).join('|')}|`, ...rows.map(line)].join('\n')
}

/** A sentence with figures: minus signs instead of hyphens, and signs of percent that stay beside their number. */
export function typeset(sentence: string): string {
  return sentence.replace(/(^|[\s(])-(?=\d)/g, '$1\u2212').replace(/(\d) %/g, '$1\u00a0%')
}

/** How many runs stand on each side: "5" where all have as many, else "3 / 5". */
export function countsOf(c: Pick<Comparison, 'sides'>): number[] {
  const n = c.sides.map((s) => s.runs.length)
  return new Set(n).size === 1 ? n.slice(0, 1) : n
}

/** Whether any side has too few runs for a verdict. */
export function tooFew(c: Pick<Comparison, 'metrics'>): boolean {
  return c.metrics.some((m) => m.values.some((v) => v.effect?.verdict === 'too_few'))
}

/** The sides that an address names, "a,b|c,d" with their names "before|after"; null where there are not two. */
export function sidesIn(text: string, names: string): SideInput[] | null {
  const words = names.split('|')
  const sides = text.split('|').map((s, i): SideInput => ({ name: words[i] || undefined, runs: s.split(',').filter(Boolean) })).filter((s) => s.runs.length > 0)
  return sides.length >= 2 ? sides : null
}

/** What makes two runs measurements of the same thing, as far as one would hold one against the other: the model, where it ran and the load. */
function likeness(r: Run): string {
  const p = r.plan
  return JSON.stringify([r.model, p.endpoint_id, p.dataset_id, p.synthetic, p.max_tokens, p.load, p.stages.map((s) => s.name)])
}

/** The newest run before this one of the same model and load that has figures; null where there is none. */
export function lastLike(run: Run, all: readonly Run[]): Run | null {
  const key = likeness(run)
  const before = all.filter((r) => r.job_id !== run.job_id && r.created_at < run.created_at && r.sample === run.sample && (r.summary?.requests.ok ?? 0) > 0 && likeness(r) === key)
  return before.reduce<Run | null>((a, b) => (a === null || b.created_at > a.created_at ? b : a), null)
}
