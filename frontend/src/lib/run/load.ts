import type { Load, PlanStage, Stage } from '../../api/types'
import { loadWord } from '../bench/load'

/** What can be told of a load and of the stages it is measured in. Pure. */

/** Whether requests start by the clock, not by free users. */
export function isOpen(l: Load): boolean {
  return ['rate', 'poisson', 'gamma', 'trace'].includes(l.kind) || (['ramp', 'sweep', 'knee'].includes(l.kind) && l.over === 'rate')
}

/** The load in few letters, for a column: closed:16, poisson:5/s, sweep ×6, knee. */
export function loadShort(l: Load, stages: number): string {
  if (l.kind === 'sweep' || l.kind === 'knee') return `${l.kind}${l.over === 'rate' ? ' /s' : ''}${stages > 1 ? ` ×${stages}` : ''}`
  if (stages > 1) return `${l.kind} ×${stages}`
  return loadWord({ kind: l.kind, concurrency: l.concurrency, rate_per_s: l.rate_per_s, cv: l.cv, over: l.over, from: l.from, to: l.to, ramp_s: l.ramp_s })
}

/** How many users a load keeps busy at the same time; null where the clock decides. */
export function usersOf(l: Load): number | null {
  if (l.kind === 'single') return 1
  if (l.kind === 'closed') return l.concurrency ?? 1
  return l.kind === 'ramp' && l.over !== 'rate' ? (l.to ?? null) : null
}

/** The largest of a run's stages by what they ask for. */
export function mostUsers(stages: readonly PlanStage[], load: Load): number {
  return Math.max(1, ...stages.map((s) => usersOf(s.load) ?? 1), usersOf(load) ?? 1)
}

/** What sets the stages of a run apart. */
export type Axis = 'users' | 'rate' | 'depth' | 'name'

type Point = Pick<Stage, 'concurrency' | 'rate_per_s' | 'depth_tokens'>

export function axisOf(stages: readonly Point[]): Axis {
  const differ = (of: (s: Point) => number | null): boolean => new Set(stages.map(of)).size > 1
  if (differ((s) => s.depth_tokens)) return 'depth'
  if (stages.every((s) => s.concurrency > 0)) return 'users'
  return stages.every((s) => s.rate_per_s !== null) ? 'rate' : 'name'
}

/** Where a stage stands on the axis; its index when nothing but the name sets it apart. */
export function levelOf(s: Stage, axis: Axis): number {
  if (axis === 'depth') return s.depth_tokens ?? 0
  return axis === 'users' ? s.concurrency : axis === 'rate' ? (s.rate_per_s ?? 0) : s.index
}
