import type { PhaseChange, RequestRecord, Run } from '../../api/types'
import { failuresOf } from './live'
import type { Spell } from './spells'

/** What happened in a run beside its figures, for the event lane and its list. Pure; times are seconds of the run. */

export const eventKinds = [
  'phase', 'stage', 'throttle', 'clock', 'vram', 'vram_other', 'gpu_shared', 'gpu_lost', 'cpu_shared', 'interference', 'swap', 'missed',
  'failures', 'dropped', 'behind', 'limit', 'warning',
] as const
export type EventKind = (typeof eventKinds)[number]

export interface RunEvent {
  kind: EventKind
  /** Null where it holds for the run as a whole, or no reading says when. */
  from: number | null
  /** Null for a moment. */
  to: number | null
  /** The reason, process, phase, class or code it is about. */
  id?: string
  gpu?: number
  /** How much; what it means depends on the kind. */
  value?: number | null
  /** What it was before, or what it is held against. */
  before?: number | null
  /** A sentence of the program. */
  text?: string
}

/** An event with the number that its mark, the list and the sentence share. */
export interface Numbered extends RunEvent { n: number }

export type EventTone = 'mut' | 'warn' | 'err'

const tones: Partial<Record<EventKind, EventTone>> = { phase: 'mut', stage: 'mut', gpu_lost: 'err', failures: 'err' }

export function toneOf(e: RunEvent): EventTone {
  if (e.kind === 'warning') return e.id === 'invalid' ? 'err' : 'warn'
  return tones[e.kind] ?? 'warn'
}

export interface Known {
  phases: readonly PhaseChange[]
  /** Whether a stage is spoken of by its name, and not as measuring. */
  several: boolean
  /** What a Watch saw in the readings. */
  seen: readonly RunEvent[]
  requests: readonly RequestRecord[]
  /** Of a run that ended. */
  run?: Pick<Run, 'validity' | 'warnings' | 'bottleneck'>
  /** Live only. */
  dropped?: { n: number; at: number } | null
  behind?: readonly Spell[]
}

/** Every event with its number: the run's own cautions as they come, then the others by time. */
export function eventsOf(k: Known): Numbered[] {
  const cautions = (k.run?.warnings ?? []).filter((w) => w.level === 'caution' || w.level === 'invalid')
    .map((w): RunEvent => ({ kind: 'warning', from: null, to: null, id: w.level, text: w.message }))
  const rest = [...phaseEvents(k), ...sharedEvents(k), ...failureEvents(k), ...limitEvents(k)].sort((a, b) => (a.from ?? 0) - (b.from ?? 0))
  return [...cautions, ...rest].map((e, i) => ({ ...e, n: i + 1 }))
}

function phaseEvents(k: Known): RunEvent[] {
  return k.phases.filter((p) => p.phase !== 'stop').map((p): RunEvent => {
    const from = p.t_us / 1e6
    return p.stage && k.several ? { kind: 'stage', from, to: null, id: p.stage.name, value: p.stage.index } : { kind: 'phase', from, to: null, id: p.phase }
  })
}

/** What was seen, but a processor shared with nobody in particular where the one who took it is named. */
function sharedEvents(k: Known): RunEvent[] {
  const named = (k.run?.validity?.interference ?? []).map((p): RunEvent => ({ kind: 'interference', from: p.from_us / 1e6, to: p.to_us / 1e6, id: p.process, value: p.cpu_percent }))
  const told = (e: RunEvent): boolean => named.some((p) => (p.from ?? 0) <= (e.to ?? 0) && (e.from ?? 0) <= (p.to ?? 0))
  return [...k.seen.filter((e) => e.kind !== 'cpu_shared' || !told(e)), ...named]
}

function failureEvents(k: Known): RunEvent[] {
  return [
    ...failuresOf(k.requests).map((f): RunEvent => ({ kind: 'failures', from: f.first, to: null, id: f.cls, value: f.n, text: f.message })),
    ...(k.dropped ? [{ kind: 'dropped', from: k.dropped.at, to: null, value: k.dropped.n } satisfies RunEvent] : []),
    ...(k.behind ?? []).map((s): RunEvent => ({ kind: 'behind', from: s.from, to: s.to })),
  ]
}

/** What limited the run from some time on, unless the readings themselves tell of it. */
function limitEvents(k: Known): RunEvent[] {
  if (k.seen.some((e) => e.kind === 'throttle' || e.kind === 'clock')) return []
  return (k.run?.bottleneck?.evidence ?? []).filter((f) => f.from_us !== null)
    .map((f): RunEvent => ({ kind: 'limit', from: (f.from_us ?? 0) / 1e6, to: f.to_us === null ? null : f.to_us / 1e6, id: f.about, text: f.claim }))
}
