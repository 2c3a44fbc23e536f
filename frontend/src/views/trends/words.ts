import { t, tOr } from '../../i18n'
import { difference, instant, num, text } from '../../lib/format'
import { placeOfChange } from '../../lib/trends'
import { route, runs, type Alert, type Difference, type Trend, type TrendChange } from '../../state'
import { modelName } from '../shared/words'
import { factName, factValue, figureOf, metricLine, metricName } from '../compare/words'

/** The words of trends. */

/** What can be followed, as the program names it. */
export const metrics: { key: string; unit: string }[] = [
  { key: 'decode_tokens_per_second', unit: 'tok/s' }, { key: 'output_tokens_per_second', unit: 'tok/s' }, { key: 'prefill_tokens_per_second', unit: 'tok/s' },
  { key: 'ttft_ms', unit: 'ms' }, { key: 'ttft_p95_ms', unit: 'ms' }, { key: 'tpot_ms', unit: 'ms' }, { key: 'itl_p99_ms', unit: 'ms' }, { key: 'e2e_ms', unit: 'ms' },
  { key: 'requests_per_second', unit: 'req/s' }, { key: 'j_per_token', unit: 'J/token' }, { key: 'peak_vram_gb', unit: 'GB' }, { key: 'peak_ram_gb', unit: 'GB' },
]

export const figureLine = (key: string): string => metricLine(metrics.find((m) => m.key === key) ?? { key, unit: '' })

export const valueText = (unit: string, v: number): string => text(figureOf(unit, v))

/** A load as the program names it: "single", "closed:4", several of them with commas. */
export function loadWords(load: string): string {
  const [kind = '', n] = load.split(':')
  if (load === 'single') return t('live.oneUser')
  if (kind === 'closed' && n && /^\d+$/.test(n)) return t('common.users', { n: num(Number(n)) })
  return load
}

export const percentText = (c: Pick<TrendChange, 'percent'>): string => difference(1 + c.percent / 100)

export function pText(p: number): string {
  return p < 0.001 ? `< ${num(0.001, 3)}` : `= ${num(p, 3)}`
}

const oneChange = (d: Difference): string => `${factName(d.key)} ${factValue(d, d.values[0] ?? '')} → ${factValue(d, d.values[1] ?? '')}`

/** "From 38.1 to 41.0 tok/s (+7.6 %) with the run of 12 Nov, when the engine went from b10434 to b11434." */
export function stepSentence(tr: Pick<Trend, 'unit'>, c: TrendChange): string {
  const before = figureOf(tr.unit, c.before)
  const after = text(figureOf(tr.unit, c.after))
  const words = { before: before.value, after, d: percentText(c), interval: intervalText(c.percent_interval), when: instant(c.at) }
  const build = c.differs.find((d) => d.key === 'engine_build')
  if (build) return t('trends.stepBuild', { ...words, old: factValue(build, build.values[0] ?? ''), new: factValue(build, build.values[1] ?? '') })
  const [only] = c.differs
  return only && c.differs.length === 1 ? t('trends.stepOne', { ...words, what: oneChange(only) }) : t('trends.step', words)
}

/** What a test of the program knows a point as: its number, figure, moment and build. */
export function pointWords(tr: Trend, i: number): string {
  const p = tr.points[i]
  if (!p) return ''
  return t('trends.at', { n: i + 1, total: tr.points.length, v: valueText(tr.unit, p.value), when: instant(p.at), build: p.build ? t('trends.ofBuild', { build: p.build }) : '' })
}

/** How many runs stand on both sides of a change. */
export function countsText(tr: Trend, i: number): string {
  const c = tr.changes[i]
  return c ? t('trends.p', { p: pText(c.p), before: tr.levels[i]?.n ?? 0, after: tr.levels[i + 1]?.n ?? 0 }) : ''
}

/** The number of the level that a point lies in. */
export function levelOf(tr: Trend, point: number): number {
  return tr.changes.filter((c) => placeOfChange(tr, c) <= point).length
}

function intervalText(i: [number, number] | null): string {
  return i ? t('trends.interval', { low: difference(1 + i[0] / 100), high: difference(1 + i[1] / 100) }) : ''
}

/** An alert in one sentence, with its exact figures. */
export function alertSentence(a: Alert): string {
  const build = a.differs.find((d) => d.key === 'engine_build')
  const words = {
    figure: metricName({ key: a.metric, unit: a.unit }).name, model: modelName(a.model), d: percentText(a), interval: intervalText(a.percent_interval), when: instant(runs.get(a.since_job_id)?.created_at ?? a.created_at),
    before: figureOf(a.unit, a.before).value, after: valueText(a.unit, a.after), n: a.runs_after, m: a.runs_before,
  }
  if (a.kind === 'level') return t('trends.alertLevel', words)
  if (a.kind === 'run') return t('trends.alertRun', { ...words, low: figureOf(a.unit, a.expected?.[0] ?? null).value, high: valueText(a.unit, a.expected?.[1] ?? 0) })
  return t('trends.alertBuild', { ...words, old: build?.values[0] ?? '', new: build?.values[1] ?? '', verdict: tOr(`compare.${a.verdict}`, a.verdict, { min: 2 }) })
}

/** What changed with it, and how sure that is. */
export function alertNote(a: Alert): string {
  const what = a.kind === 'build' ? '' : a.differs.map(oneChange).join(', ')
  return [what ? t('trends.alertWhat', { what }) : '', a.p === null ? '' : t('trends.alertP', { p: pText(a.p) })].filter(Boolean).join(' ')
}

/** Opens what an alert is about: its series, or its experiment. */
export function openAlert(a: Alert): void {
  if (a.experiment_id) route.go('experiment', a.experiment_id)
  else route.go('results', '', { view: 'trend', series: a.series_id, metric: a.metric })
}

export const sortName = (key: string): string => tOr(`trends.sort_${key}`, key)
