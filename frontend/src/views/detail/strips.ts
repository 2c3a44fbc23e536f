import type { Run, Sample } from '../../api'
import { t } from '../../i18n'
import { num } from '../../lib/format'
import { LimitTrack } from '../../lib/run/limits'
import { heldWords } from '../shared/words'

/** A row of the replay that shows when something was so, not how much. Times are ms from the start. */
export interface Strip {
  label: string
  parts: { from: number; to: number; text: string }[]
}

/** Stretches of the same reasons, one after the other. */
export function limitParts(samples: readonly Sample[]): Strip['parts'] {
  const track = new LimitTrack()
  for (const s of samples) track.push(s)
  return track.all.map((h) => ({ from: h.from, to: h.to, text: heldWords(h.reasons) }))
}

/** Rows for the GPU's limits and for other programs; only those that have something to show. */
export function strips(run: Run, samples: readonly Sample[]): Strip[] {
  const limits = limitParts(samples)
  const others = (run.validity?.interference ?? []).map((p) => ({ from: p.from_us / 1000, to: p.to_us / 1000, text: `${p.process} ${num(p.cpu_percent)} %` }))
  return [{ label: t('detail.limitsLane'), parts: limits }, { label: t('detail.othersLane'), parts: others }].filter((s) => s.parts.length > 0)
}
