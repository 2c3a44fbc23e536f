import type { Outcome, PhaseChange, RequestRecord } from '../../api/types'
import { usersOf } from './load'

/** What the live screen derives from the records it has got so far. Pure; times in seconds of the run. */

/** How many users the stage keeps busy once all of them have begun; null before that and for an open load. */
export function askedUsers(phases: readonly PhaseChange[], elapsedS: number): number | null {
  const last = phases[phases.length - 1]
  if (last?.phase !== 'measure' || !last.stage) return null
  const { load } = last.stage
  if ((load.think_time_ms ?? 0) > 0 || load.kind === 'ramp') return null
  const users = usersOf(load)
  const spreadMs = load.spread_ms ?? (users ?? 0) // at most 1 ms a user where none is asked for
  return elapsedS * 1000 > spreadMs ? users : null
}

export interface StageSpan { index: number; name: string; from: number; to: number | null }

/** When each stage began and ended; the current one has no end yet. */
export function stageSpans(phases: readonly PhaseChange[]): StageSpan[] {
  return phases.flatMap((p, i): StageSpan[] => {
    if (p.phase !== 'measure') return []
    const next = phases[i + 1]
    return [{ index: p.stage?.index ?? 0, name: p.stage?.name ?? '', from: p.t_us / 1e6, to: next ? next.t_us / 1e6 : null }]
  })
}

/** For each time the mean of its stage, and null outside of stages: the steps behind the throughput. */
export function stageMeans(x: readonly number[], y: readonly (number | null)[], spans: readonly StageSpan[]): (number | null)[] {
  const stage = x.map((t) => spans.findLastIndex((s) => t > s.from && (s.to === null || t <= s.to)))
  const sums = spans.map(() => ({ sum: 0, n: 0 }))
  stage.forEach((at, i) => {
    const own = sums[at]
    if (!own) return
    own.sum += y[i] ?? 0
    own.n++
  })
  return stage.map((at) => {
    const own = sums[at]
    return own ? own.sum / own.n : null
  })
}

export interface Dots { x: number[]; sent: (number | null)[]; due: (number | null)[]; failed: (number | null)[]; medians: (number | null)[] }

/** Below this a due time would only cover the dot of the send. */
const [LATE_MS, LATE_SHARE] = [1, 0.03]
const failures: readonly Outcome[] = ['error', 'incomplete']

/** One dot a request: from its send, from its due time where that is another one, and failures with the time they took. */
export function ttftDots(requests: readonly RequestRecord[], window: number, median: (sorted: number[]) => number | null): Dots {
  const shown = requests.filter((r) => r.phase === 'measure' && (r.ttft_us !== null || failures.includes(r.outcome)))
    .map((r) => {
      const took = (r.ttft_us ?? r.closed_us ?? 0) / 1000
      const late = r.due_us === null ? 0 : (r.sent_us - r.due_us) / 1000
      return { at: r.sent_us / 1e6 + took / 1000, took, due: r.due_us === null || r.ttft_us === null || late < Math.max(LATE_MS, LATE_SHARE * took) ? null : took + late, bad: failures.includes(r.outcome) }
    }).sort((a, b) => a.at - b.at)
  const recent: number[] = []
  const medians = shown.map((d) => {
    if (!d.bad) recent.push(d.took)
    return median(recent.slice(-window).sort((a, b) => a - b))
  })
  return { x: shown.map((d) => d.at), sent: shown.map((d) => (d.bad ? null : d.took)), due: shown.map((d) => (d.bad ? null : d.due)), failed: shown.map((d) => (d.bad ? d.took : null)), medians }
}

/** Failed requests by their class: how many, the first and the newest, and what it said. */
export interface Failure { cls: string; n: number; first: number; at: number; message: string }

export function failuresOf(requests: readonly RequestRecord[]): Failure[] {
  const by = new Map<string, Failure>()
  for (const r of requests) {
    if (!failures.includes(r.outcome)) continue
    const cls = r.error_class || r.outcome
    const at = (r.sent_us + (r.closed_us ?? 0)) / 1e6
    const old = by.get(cls)
    by.set(cls, { cls, n: (old?.n ?? 0) + 1, first: Math.min(at, old?.first ?? at), at: Math.max(at, old?.at ?? 0), message: r.error_message || old?.message || '' })
  }
  return [...by.values()].sort((a, b) => b.at - a.at)
}
