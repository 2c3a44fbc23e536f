import { t, tOr } from '../../i18n'
import { MISSING, num, percent, text } from '../../lib/format'
import type { Quality, TaskScore } from '../../state'

/** Words that several screens build from a measurement of quality. */

/** "31 of 40 (78 %, 62–88 %)"; what is broken has no score. */
export function scoreOf(s: TaskScore): string {
  if (s.verdict === 'broken') return t('quality.broken')
  if (s.verdict === 'nothing' || s.percent === null || !s.interval) return t('quality.noAnswer')
  return t('quality.score', { right: s.right, asked: s.asked, percent: text(percent(s.percent)), low: num(s.interval[0]), high: num(s.interval[1]) })
}

/** What a measurement came to, in short. */
export function resultOf(q: Quality): string {
  const s = q.summary
  if (s?.tasks) return scoreOf(s.tasks)
  if (s?.perplexity) return `${t('quality.perplexity')} ${digits(s.perplexity.value)}`
  if (s?.divergence) return `KL ≥ ${digits(s.divergence.kl)} · ${t('quality.sameTop')} ${text(percent(s.divergence.same_top_percent, 1))}`
  return MISSING
}

/** The line beside the speed of a model; empty when its quality is not known. */
export function besideSpeed(q: Quality | null): string {
  const s = q?.summary?.tasks
  if (!s) return ''
  return s.verdict === 'broken' ? t('quality.brokenLine') : t('quality.line', { score: scoreOf(s) })
}

/** A figure with four digits that count. */
export function digits(v: number | null): string {
  if (v === null || v === 0) return num(v)
  return num(v, Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(v))))))
}

export function range(in_: [number, number] | null): string {
  return in_ ? t('quality.interval', { low: digits(in_[0]), high: digits(in_[1]) }) : ''
}

export const kindName = (kind: string): string => tOr(`quality.${kind}`, kind)
export const languageName = (code: string): string => tOr(`quality.${code}`, code)

export const tones = { queued: 'neutral', running: 'ok', completed: 'ok', failed: 'err', canceled: 'neutral', interrupted: 'warn' } as const
