import type { Phase, PhaseChange, Run } from '../../api/types'

/** One piece of the bar over a run that measures. */
export interface Segment {
  key: string
  /** What it is: a phase, or a stage by its index. */
  phase: Phase
  stage: number | null
  name: string
  state: 'done' | 'run' | 'planned'
  /** Share of the bar's length. */
  weight: number
  /** How far the current one is; null when it cannot be told. */
  part: number | null
  /** A search does not know yet what it will try. */
  searching?: boolean
}

const before: readonly Phase[] = ['prepare', 'settle', 'warmup']
/** No piece is shorter than this share of the bar, so that each can be seen. */
const LEAST = 0.035

interface Seen { phase: Phase; stage: number | null; name: string; fromS: number; toS: number | null }

/** The pieces in their order, in proportion to time: what they took, or what they are expected to take. */
export function segments(run: Run, phases: readonly PhaseChange[]): Segment[] {
  const seen = seenOf(phases)
  const ended = run.ended_at !== null
  const p = run.progress
  const now = p ? p.elapsed_s : (seen[seen.length - 1]?.fromS ?? 0)
  const at = p?.phase ?? null
  const took = (s: Seen): number => Math.max(0, (s.toS ?? now) - s.fromS)
  const reached = at === null ? -1 : order(at)
  const list: Segment[] = []
  for (const phase of before.filter((x) => (run.plan.phases ?? []).includes(x))) {
    const mark = seen.find((s) => s.phase === phase)
    const state = ended || reached > order(phase) ? 'done' : at === phase ? 'run' : 'planned'
    list.push({ key: phase, phase, stage: null, name: '', state, weight: mark && state === 'done' ? took(mark) : NaN, part: null })
  }
  list.push(...stageSegments(run, seen, took, ended || reached > order('measure')))
  return weighed(list)
}

function order(phase: Phase): number {
  return ['idle', 'prepare', 'settle', 'warmup', 'rest', 'measure', 'cooldown', 'drain', 'stop'].indexOf(phase)
}

function seenOf(phases: readonly PhaseChange[]): Seen[] {
  return phases.map((p, i) => ({
    phase: p.phase, stage: p.stage?.index ?? null, name: p.stage?.name ?? '', fromS: p.t_us / 1e6,
    toS: phases[i + 1] ? (phases[i + 1]?.t_us ?? 0) / 1e6 : null,
  }))
}

function stageSegments(run: Run, seen: readonly Seen[], took: (s: Seen) => number, over: boolean): Segment[] {
  const current = run.progress?.stage ?? null
  const marks = seen.filter((s) => s.phase === 'measure')
  const planned = run.plan.stages ?? []
  const searching = run.plan.load.kind === 'knee' && !over
  const count = Math.max(searching ? 1 : planned.length, marks.length, 1, (current?.index ?? -1) + 1)
  const list = Array.from({ length: count }, (_, i): Segment => {
    const own = marks.filter((m) => (m.stage ?? 0) === i) // several when it is measured again after a rest
    const mark = own[0]
    const last = own[own.length - 1]
    const isNow = !over && current?.index === i
    const state = over || (current !== null && i < current.index) ? 'done' : isNow ? 'run' : 'planned'
    const expected = planned[i]?.expected_s ?? NaN
    const left = isNow ? (current.left_s ?? NaN) : NaN
    return {
      key: `stage${i}`, phase: 'measure', stage: i, name: mark?.name ?? planned[i]?.name ?? (isNow ? current.name : ''), state,
      weight: state === 'done' && mark ? took({ ...mark, toS: last?.toS ?? null }) : isNow && !Number.isNaN(left) ? current.elapsed_s + left : expected,
      part: !isNow ? null : current.total ? Math.min(1, current.done / current.total) : Number.isNaN(left) ? null : current.elapsed_s / Math.max(0.001, current.elapsed_s + left),
    }
  })
  if (searching && current) list.push({ key: 'search', phase: 'measure', stage: null, name: '', state: 'planned', weight: NaN, part: null, searching: true })
  return list
}

/** Pieces of unknown length take the mean of the known ones of their kind; all become shares. */
function weighed(list: Segment[]): Segment[] {
  const mean = (of: Segment[]): number | null => {
    const known = of.map((s) => s.weight).filter((w) => w > 0)
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null
  }
  const measure = mean(list.filter((s) => s.phase === 'measure')) ?? 9
  const preparing = mean(list.filter((s) => s.phase !== 'measure')) ?? measure * 0.22
  const lengths = list.map((s) => (s.weight >= 0 ? s.weight : s.phase === 'measure' ? measure : preparing))
  const total = lengths.reduce((a, b) => a + b, 0) || 1
  return list.map((s, i) => ({ ...s, weight: Math.max(LEAST, (lengths[i] ?? 0) / total) }))
}
