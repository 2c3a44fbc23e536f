import { calls } from '../api'
import type { LiveRun } from './live.svelte'

/** Fills a live record with what happened before the page began to listen. */
export async function backfill(record: LiveRun): Promise<void> {
  const [samples, phases, page] = await Promise.all([
    calls.runMetrics(record.id), calls.runPhases(record.id), calls.runRequests(record.id, { limit: 500 }),
  ])
  const newest = record.samples.last
  if (samples.length > record.samples.length) {
    const kept = newest === null ? samples : samples.filter((s) => s.t_ms / 1000 <= newest)
    record.restart(kept)
  }
  const known = new Set(phases.map((p) => `${p.phase} ${p.stage?.index ?? ''}`))
  record.phases = [...phases, ...record.phases.filter((p) => !known.has(`${p.phase} ${p.stage?.index ?? ''}`))].sort((a, b) => a.t_us - b.t_us)
  record.take(page.items)
  record.requests = [...record.requests].sort((a, b) => a.n - b.n)
}
