import { said, t, tOr, type Key } from '../../i18n'
import { countsOf, half, letter, table, typeset } from '../../lib/compare'
import { difference, gb, joulesPerToken, MISSING, ms, num, perS, text, tokS, type Figure } from '../../lib/format'
import type { Comparison, ComparisonMetric, ComparisonOdd, ComparisonValue, Difference, Effect } from '../../state'

/** The words of a comparison, and itself as a table to paste. */

const names: Record<string, [Key, string | (() => string)]> = {
  decode_tokens_per_second: ['common.decode', () => t('compare.tokensPerSecond')],
  output_tokens_per_second: ['common.throughput', () => t('compare.tokensPerSecond')],
  prefill_tokens_per_second: ['common.prefill', () => t('compare.tokensPerSecond')],
  ttft_ms: ['common.ttft', () => `${t('compare.median')}, ms`],
  ttft_p95_ms: ['common.ttft', 'p95, ms'],
  tpot_ms: ['common.tpot', () => `${t('compare.median')}, ms`],
  itl_p99_ms: ['common.itl', 'p99, ms'],
  e2e_ms: ['common.e2e', () => `${t('compare.median')}, ms`],
  requests_per_second: ['compare.requests', () => t('compare.perSecond')],
  j_per_token: ['compare.energy', () => t('compare.perToken')],
  peak_vram_gb: ['compare.peakVram', 'GB'],
  peak_ram_gb: ['compare.peakRam', 'GB'],
}

/** Every figure, to be judged. */
export const ALL_FIGURES = Object.keys(names)

/** "Time to first token" and "median, ms". */
export function metricName(m: { key: string; unit: string }): { name: string; unit: string } {
  const known = names[m.key]
  if (!known) return { name: m.key.replaceAll('_', ' '), unit: m.unit }
  return { name: t(known[0]), unit: typeof known[1] === 'string' ? known[1] : known[1]() }
}

/** The name alone where no other figure of the comparison has it too. */
export function shortMetric(c: Comparison, m: { key: string; unit: string }): string {
  const { name } = metricName(m)
  return c.metrics.some((x) => x.key !== m.key && metricName(x).name === name) ? metricLine(m) : name
}

/** The same in one line, for headings and lists. */
export function metricLine(m: { key: string; unit: string }): string {
  const { name, unit } = metricName(m)
  return `${name}, ${unit}`
}

export function figureOf(unit: string, v: number | null): Figure {
  switch (unit) {
    case 'tok/s': return tokS(v)
    case 'ms': return ms(v)
    case 'req/s': return perS(v)
    case 'J/token': return joulesPerToken(v)
    case 'GB': return gb(v)
    default: return { value: num(v, 2), unit }
  }
}

/** Half the interval with as many decimals as the mean, or as it takes to be more than 0; empty without one. */
export function plusMinus(unit: string, v: ComparisonValue): string {
  const h = half(v.interval)
  if (h === null) return ''
  const decimals = figureOf(unit, v.mean).value.split(/[.,]/)[1]?.length ?? 0
  const shown = [decimals, decimals + 1, decimals + 2].find((d) => h === 0 || Number(h.toFixed(d)) > 0) ?? decimals
  return `±\u00a0${num(h, h === 0 ? decimals : shown)}`
}

export function valueTip(unit: string, v: ComparisonValue): string {
  if (v.mean === null) return t('compare.none')
  if (!v.interval) return t('compare.noInterval', { n: v.n })
  return t('compare.intervalTip', { low: figureOf(unit, v.interval[0]).value, high: text(figureOf(unit, v.interval[1])), n: v.n })
}

export const percentOf = (x: number): string => num(x, Number.isInteger(x) ? 0 : 1)

export function verdictWord(e: Effect, min: number): string {
  return t(`compare.${e.verdict}`, { min: percentOf(min) })
}

/** Green is better and red is worse; what was not judged or not shown stays grey. */
export function tone(e: Effect | null): string {
  return e?.verdict === 'better' ? 'ok' : e?.verdict === 'worse' ? 'err' : 'mut'
}

function p(v: number): string {
  return v < 0.001 ? `< ${num(0.001, 3)}` : `= ${num(v, 3)}`
}

/** What is behind a verdict, line by line. */
export function effectTip(c: Comparison, side: number, e: Effect): string {
  const min = percentOf(c.min_effect_percent)
  const lines = [t('compare.tipEffect', { name: c.sides[side]?.name ?? letter(side), base: c.sides[c.baseline]?.name ?? '', d: difference(e.ratio) })]
  if (e.interval) lines.push(t('compare.tipInterval', { low: difference(e.interval[0]), high: difference(e.interval[1]) }))
  if (e.p !== null) lines.push(e.adjusted_p === null ? t('compare.tipP', { p: p(e.p) }) : t('compare.tipAdjusted', { p: p(e.p), adjusted: p(e.adjusted_p) }))
  if (e.verdict === 'untested') lines.push(t('compare.tipUntested'))
  else lines.push(t(e.at_least === 'yes' ? 'compare.tipYes' : e.at_least === 'no' ? 'compare.tipNo' : 'compare.tipUnknown', { min }))
  return lines.join('\n')
}

/** The main thing, as it is set in type. */
export function sentenceOf(c: Pick<Comparison, 'sentence'>): string {
  return typeset(said(c.sentence))
}

/** What was measured of the cause of a difference, as one text. */
export function whyOf(c: Comparison): string {
  const names = (sides: readonly number[]): string => list(sides.map((i) => letter(i)))
  const all = c.sides.length
  return c.why.map((k) => {
    switch (k.kind) {
      case 'setting':
        return k.sides.map((i) => t('comparing.whySetting', { side: letter(i), name: factName(k.key), value: settingText(k.key, k.values?.[i] ?? ''), base: settingText(k.key, k.values?.[c.baseline] ?? '') })).join(' ')
      case 'bytes':
        return t('comparing.whyBytes', { side: names(k.sides), value: num(k.value, 2), base: num(k.baseline, 2) })
      case 'limit': {
        const limit = tOr(`causes.${k.key}`, k.key)
        if (k.sides.length === all) return t(all === 2 ? 'comparing.whyBoth' : 'comparing.whyAll', { limit })
        return t('comparing.whyLimit', { side: names(k.sides), limit, n: k.sides.length })
      }
      default:
        return t('comparing.whyUnknown')
    }
  }).join(' ')
}

const list = (parts: readonly string[]): string => (parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} ${t('comparing.and')} ${parts.at(-1) ?? ''}`)
const settingText = (key: string, value: string): string => (value === '' ? t('comparing.default') : factValue({ key }, value))

const [HOUR, DAY] = [3600, 86_400]

/** "Measured 2 days apart", from an hour on. */
export function apartText(c: Pick<Comparison, 'apart_s'>): string {
  if (c.apart_s === null || c.apart_s < HOUR) return ''
  const [n, key] = c.apart_s < 1.5 * DAY ? [c.apart_s / HOUR, 'comparing.apartHours' as const] : [c.apart_s / DAY, 'comparing.apartDays' as const]
  return t(key, { n: Math.round(n) })
}

/** A pair or a run that stands apart from the others. */
export function oddText(c: Comparison, o: ComparisonOdd): string {
  const m = c.metrics.find((x) => x.key === o.metric)
  const what = { figure: m ? metricName(m).name : o.metric, d: difference(1 + o.percent / 100), n: o.place + 1, side: letter(o.side) }
  return t(c.paired ? 'comparing.oddPair' : 'comparing.oddRun', what)
}

/** What the intervals are over. */
export function basis(c: Comparison): string {
  const counts = countsOf(c)
  if (c.paired) return t('compare.pairsNote', { n: counts[0] ?? 0 })
  return counts.length === 1 ? t('compare.runsNote', { n: counts[0] ?? 0 }) : t('compare.runsUneven', { n: counts.join(' / ') })
}

/** The name of a condition that differs, by its key. */
export function factName(key: string): string {
  if (key.startsWith('engine_options.')) return key.slice('engine_options.'.length).replaceAll('_', ' ')
  return tOr(`compare.d_${key}`, tOr(`facts.${key}`, key.replaceAll('_', ' ')))
}

/** Versions look like numbers and are none. */
const numbered: ReadonlySet<string> = new Set(['gpu_driver', 'app_version', 'engine_build', 'kernel'])

export function factValue(d: Pick<Difference, 'key'>, value: string): string {
  if (value === 'varies') return t('compare.varies')
  if (value === '') return MISSING
  if (value === 'true' || value === 'false') return t(value === 'true' ? 'common.yes' : 'common.no')
  if (/^\d+\.\d+$/.test(value) && !numbered.has(d.key)) return num(Number(value), value.split('.')[1]?.length ?? 0)
  if (d.key.endsWith('sha256')) return value.slice(0, 12)
  return tOr(`facts.v_${value}`, value)
}

/** The name of a side from what differs: "threads 8"; nothing where there is no value. */
export function sideWord(key: string, value: string): string {
  return value ? `${factName(key)} ${factValue({ key }, value)}` : ''
}

/** The comparison to paste. */
export function markdown(c: Comparison): string {
  const base = c.sides[c.baseline]?.name ?? ''
  const others = c.sides.map((_, i) => i).filter((i) => i !== c.baseline)
  const cell = (m: ComparisonMetric, v: ComparisonValue | undefined): string => (v ? [figureOf(m.unit, v.mean).value, plusMinus(m.unit, v)].filter(Boolean).join(' ') : MISSING)
  const told = (e: Effect | null | undefined): string => {
    if (!e) return MISSING
    const interval = e.interval ? ` (${difference(e.interval[0])} … ${difference(e.interval[1])})` : ''
    return `${difference(e.ratio)}${interval}, ${verdictWord(e, c.min_effect_percent)}`
  }
  const head = [t('compare.figure'), ...c.sides.map((s) => `${s.name} (${t('compare.n', { n: s.runs.length })})`), ...others.map((i) => `${c.sides[i]?.name ?? ''} / ${base}`)]
  const rows = c.metrics.map((m) => [metricLine(m), ...m.values.map((v) => cell(m, v)), ...others.map((i) => told(m.values[i]?.effect))])
  const differs = c.differs.map((d) => [factName(d.key), ...d.values.map((v) => factValue(d, v))])
  return [
    `**${sentenceOf(c)}**`, '', basis(c), ...c.warnings.map((w) => `- ${said(w.message)}`), '', table(head, rows),
    ...(differs.length ? ['', table([t('compare.differs'), ...c.sides.map((s) => s.name)], differs)] : []), '',
  ].join('\n')
}
