import type { Run, Sample } from '../../api'
import { t, tOr } from '../../i18n'
import { num } from '../../lib/format'

/** A row of the replay that shows when something was so, not how much. Times are ms from the start. */
export interface Strip {
  label: string
  parts: { from: number; to: number; text: string }[]
}

/** What held a GPU's clock down, in words; being idle holds nothing down. */
export function limitWords(s: Sample): string {
  const all = s.gpus.flatMap((g) => g.limit_reasons ?? []).filter((r) => r !== 'idle')
  return [...new Set(all)].map((r) => tOr(`hardware.limit_${r}`, r.replaceAll('_', ' '))).join(', ')
}

/** Stretches of the same reasons, one after the other. */
export function limitParts(samples: readonly Sample[]): Strip['parts'] {
  const parts: Strip['parts'] = []
  let text = ''
  for (const s of samples) {
    const last = parts[parts.length - 1]
    if (text && last) last.to = s.t_ms
    const now = limitWords(s)
    if (now && now !== text) parts.push({ from: s.t_ms, to: s.t_ms, text: now })
    text = now
  }
  return parts
}

/** Rows for the GPU's limits and for other programs; only those that have something to show. */
export function strips(run: Run, samples: readonly Sample[]): Strip[] {
  const limits = limitParts(samples)
  const others = (run.validity?.interference ?? []).map((p) => ({ from: p.from_us / 1000, to: p.to_us / 1000, text: `${p.process} ${num(p.cpu_percent)} %` }))
  return [{ label: t('detail.limitsLane'), parts: limits }, { label: t('detail.othersLane'), parts: others }].filter((s) => s.parts.length > 0)
}
