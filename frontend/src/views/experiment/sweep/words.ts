import { said, t, tOr, type Key } from '../../../i18n'
import { MISSING, num, text } from '../../../lib/format'
import { valueOf } from '../../../lib/sweep/settings'
import { figureAt } from '../../../lib/sweep/weigh'
import type { SweepCell, SweepResult, SweepSettings } from '../../../state'
import { figureOf, metricLine, metricName } from '../../compare/words'

/** The words of a sweep. */

export function settingName(name: string): string {
  return tOr(`sweep.${name}`, name.replaceAll('_', ' '))
}

/** "Threads 2 · KV cache q8_0". */
export function cellName(r: Pick<SweepResult, 'settings'>, s: SweepSettings): string {
  return r.settings.map((name) => {
    const v = valueOf(s, name)
    return v === '' ? '' : name === 'model_id' ? v : `${settingName(name)} ${v}`
  }).filter(Boolean).join(' · ')
}

export function unitOf(r: SweepResult, key: string): string {
  return r.metrics.find((m) => m.key === key)?.unit ?? ''
}

/** "Decode speed, tokens per second". */
export function metricText(r: SweepResult, key: string): string {
  return key === 'quality' ? t('sweep.qualityPercent') : metricLine({ key, unit: unitOf(r, key) })
}

export function shortText(r: SweepResult, key: string): string {
  return key === 'quality' ? t('sweep.quality') : metricName({ key, unit: unitOf(r, key) }).name
}

export function figureText(r: SweepResult, key: string, v: number | null): string {
  if (v !== null && key === 'quality') return `${num(v, 0)}\u00a0%`
  return v === null ? MISSING : text(figureOf(unitOf(r, key), v))
}

/** The figure without its unit, for cells and axes. */
export function plainFigure(r: SweepResult, key: string, v: number | null): string {
  if (v !== null && key === 'quality') return num(v, 0)
  return v === null ? MISSING : figureOf(unitOf(r, key), v).value
}

/** Whether any cell is shown to be worse; until then the best is a mean that chance may have made. */
export function decided(r: Pick<SweepResult, 'cells'>): boolean {
  return r.cells.some((c) => c.verdict === 'worse')
}

export function verdictText(r: Pick<SweepResult, 'cells'>, c: SweepCell): string {
  if (c.verdict === 'best' && !decided(r)) return t('sweep.bestMean')
  if (c.verdict !== 'none') return t(`sweep.${c.verdict}` as Key)
  return c.status === 'completed' ? t('sweep.none') : t(`common.${c.status}` as Key)
}

/** What is told of a cell under the pointer. */
export function cellTip(r: SweepResult, key: string, c: SweepCell): string {
  const name = cellName(r, c.settings)
  if (c.status === 'failed') return t('sweep.tipFailed', { name, reason: said(c.reason) })
  const v = figureAt(r, c, key)
  if (v === null) return t('sweep.tipState', { name, state: t(`common.${c.status}` as Key) })
  return t('sweep.tipValue', { name, value: figureText(r, key, v), verdict: verdictText(r, c) })
}
