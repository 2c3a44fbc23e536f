import { calls, type PhaseChange, type Sample } from '../api'
import type { LiveRun } from './live.svelte'

/** Where the phase of the samples changes, for a page that was opened while the run was under way. */
export function phasesOf(samples: readonly Sample[]): PhaseChange[] {
  return samples.flatMap((s, i) => {
    const first = i === 0 || samples[i - 1]?.phase !== s.phase
    return first && s.phase !== 'idle' ? [{ phase: s.phase, t_us: s.t_ms * 1000, at: s.timestamp }] : []
  })
}

/** Fills a live record with what happened before the page began to listen. */
export async function backfill(record: LiveRun): Promise<void> {
  const [samples, page] = await Promise.all([calls.runMetrics(record.id), calls.runRequests(record.id, { limit: 500 })])
  const newest = record.samples.last
  if (samples.length > record.samples.length) {
    const kept = newest === null ? samples : samples.filter((s) => s.t_ms / 1000 <= newest)
    record.samples.clear()
    for (const s of kept) record.samples.push(s.t_ms / 1000, s)
  }
  const known = new Set(record.phases.map((p) => p.phase))
  record.phases = [...phasesOf(samples).filter((p) => !known.has(p.phase)), ...record.phases].sort((a, b) => a.t_us - b.t_us)
  const seen = new Set(record.requests.map((r) => r.n))
  record.requests = [...page.items.filter((r) => !seen.has(r.n)), ...record.requests].sort((a, b) => a.n - b.n)
}
