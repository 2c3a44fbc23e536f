import type { Figures, Objective, Run, Stage, Stats } from '../../api/types'
import { axisOf, levelOf, type Axis } from './load'

/** What the stages of a finished run say together. Pure. */

/** The stages of a run by their level; empty for a run of one. */
export function stagesOf(run: Run): Stage[] {
  const all = run.summary?.stages ?? []
  if (all.length < 2) return []
  const axis = axisOf(all)
  return [...all].sort((a, b) => levelOf(a, axis) - levelOf(b, axis) || a.index - b.index)
}

/** The stage a run is spoken of by: what a search found, else the best one. */
export function leadStage(run: Run): Stage | null {
  const at = run.summary?.knee?.stage ?? run.summary?.best_stage ?? null
  return at === null ? null : (stagesOf(run).find((s) => s.index === at) ?? null)
}

/** The figures of one stage, or those of the whole run. */
export function figuresOf(run: Run, stage: number | null): Figures | null {
  if (stage === null) return run.summary
  return run.summary?.stages.find((s) => s.index === stage)?.summary ?? null
}

/** The figures a run is ranked by in lists: its leading stage's, else its own. */
export function leadFigures(run: Run): Figures | null {
  return leadStage(run)?.summary ?? run.summary
}

export function metObjectives(s: Stage): boolean {
  return s.objectives.every((o) => o.met)
}

/** The highest stage up to which, from the lowest on, every objective holds. */
export function holdsUpTo(stages: readonly Stage[]): Stage | null {
  let last: Stage | null = null
  for (const s of stages) {
    if (s.objectives.length === 0 || !metObjectives(s)) break
    last = s
  }
  return last
}

/** The stages that met every objective, in the order of the load. */
export function meeting(stages: readonly Stage[]): Stage[] {
  return stages.filter((s) => s.objectives.length > 0 && metObjectives(s))
}

export type LatencyKey = 'ttft_ms' | 'tpot_ms' | 'e2e_ms'
export type Percentile = 'p50' | 'p95' | 'p99'

/** The objective's limit where it speaks of this metric and this percentile. */
export function limitOf(objectives: readonly Objective[], key: LatencyKey, p: Percentile): number | null {
  const found = objectives.find((o) => `${o.metric}_ms` === key && `p${o.percentile ?? 95}` === p)
  return found?.below_ms ?? null
}

export interface CurvePoint {
  stage: Stage
  level: number
  throughput: number
  latency: number
  met: boolean
}

export interface Curve { axis: Axis; points: CurvePoint[] }

/** Throughput against a latency percentile, in the order of the load. Stages without the figure are left out. */
export function curveOf(stages: readonly Stage[], key: LatencyKey, p: Percentile): Curve {
  const axis = axisOf(stages)
  const points = stages.flatMap((stage): CurvePoint[] => {
    const throughput = stage.summary?.output_tokens_per_second ?? null
    const stats: Stats | undefined = stage.summary?.[key]
    const latency = stats?.[p] ?? null
    return throughput === null || latency === null ? [] : [{ stage, level: levelOf(stage, axis), throughput, latency, met: metObjectives(stage) }]
  })
  return { axis, points }
}

/** Requests of a set of figures that did not succeed, arrivals that were never sent included. */
export function lost(f: Figures): number {
  return f.requests.error + f.requests.incomplete + f.requests.dropped
}
