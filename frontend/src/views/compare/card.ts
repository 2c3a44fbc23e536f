import { t } from '../../i18n'
import { difference, instant } from '../../lib/format'
import { gainOf, letter, placeOf, scaleOf } from '../../lib/compare'
import { locale } from '../../lib/locale.svelte'
import type { Card, CardRow } from '../../lib/sharecard'
import { runs, type Comparison, type Run } from '../../state'
import { conditionsOf, validityOf } from '../shared/card'
import { num } from '../../lib/format'
import { apartText, basis, figureOf, metricName, sentenceOf } from './words'
import { stageLabel } from '../shared/loads'

const MOST_ROWS = 5
/** What is told first where there are more figures than rows. */
const first = ['decode_tokens_per_second', 'output_tokens_per_second', 'ttft_ms', 'j_per_token', 'ttft_p95_ms', 'itl_p99_ms', 'peak_vram_gb', 'e2e_ms']

/** The card of a comparison: its sentence, the plot of its main figures, and its conditions. */
export function comparisonCard(c: Comparison): Card {
  const known = c.sides.map((s) => s.runs.map((id) => runs.get(id)).filter((r): r is Run => r !== null))
  const main = first.flatMap((key) => c.metrics.filter((m) => m.key === key)).slice(0, MOST_ROWS)
  const scale = scaleOf({ ...c, metrics: main })
  const load = c.loads.find((l) => l.name === c.load)
  return {
    headline: sentenceOf(c), basis: [load ? t('comparing.atLoad', { load: stageLabel({ ...load, index: 0 }) }) : '', basis(c)].filter(Boolean).join(' '),
    caution: c.paired ? '' : [t('comparing.notInterleaved'), apartText(c)].filter(Boolean).join(' '),
    sides: c.sides.map((s, i) => ({ letter: letter(i), name: s.name, baseline: i === c.baseline, more: sideFacts(known[i] ?? [], s.runs.length) })),
    rows: main.map((m): CardRow => ({
      ...metricName(m), values: m.values.map((v) => figureOf(m.unit, v.mean).value),
      marks: m.values.flatMap((v, side) => {
        if (!v.effect) return []
        const g = gainOf(m, v.effect)
        const at = placeOf(scale, g.ratio).at
        return [{ side, at, low: g.low === null ? at : placeOf(scale, g.low).at, high: g.high === null ? at : placeOf(scale, g.high).at, text: difference(v.effect.ratio), tone: v.effect.verdict === 'better' ? 'ok' as const : v.effect.verdict === 'worse' ? 'err' as const : 'mut' as const }]
      }),
    })),
    scale: { zero: scale.zero, band: scale.band, title: t('compare.betterThan', { name: letter(c.baseline) }), ticks: scale.ticks.map((x) => ({ at: x.at, text: x.percent === 0 ? '0' : `${x.percent > 0 ? '+' : ''}${num(x.percent)}\u00a0%` })) },
    facts: [...conditionsOf(known.flat()), { name: t('comparing.runsTold'), value: validityOf(known.flat()) }, { name: t('comparing.when'), value: whenOf(known.flat()) }],
    lang: locale.lang,
  }
}

function sideFacts(own: Run[], n: number): string {
  const engines = [...new Set(own.map((r) => [r.engine, r.environment?.engine.version ?? ''].filter(Boolean).join(' ')))]
  return [t('common.runs', { n }), engines.length === 1 ? (engines[0] ?? '') : ''].filter(Boolean).join(' · ')
}

function whenOf(all: Run[]): string {
  const days = all.map((r) => r.created_at).sort()
  return days.length ? instant(days.at(-1)) : ''
}
