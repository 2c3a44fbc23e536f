import { t, type Key } from '../../../i18n'
import { ms, num, text } from '../../../lib/format'
import type { Objective, PersonaCapacity } from '../../../state'

/** What is said of personas and their limits. */

export const personaName = (key: string): string => t(`capacity.p_${key}` as Key)

/** "TTFT < 1,000 ms, TPOT < 100 ms". */
export function limitsOf(list: readonly Objective[]): string {
  return list.map((o) => `${o.metric.toUpperCase()} < ${text(ms(o.below_ms))}`).join(', ')
}

/** The interval of the answer, in words; empty before there is an answer. */
export function rangeOf(p: PersonaCapacity): string {
  if (p.users === null || p.low === null || p.state === 'none') return ''
  return p.high === null ? t('capacity.atLeast95', { low: p.low }) : t('capacity.with95', { low: p.low, high: p.high })
}

export const percentOf = (share: number | null): string => (share === null ? '–' : `${num(100 * share, 1)}\u00a0%`)
