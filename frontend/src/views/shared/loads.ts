import type { Load, Objective, PhaseChange, Run, Stage } from '../../api'
import { t } from '../../i18n'
import { num } from '../../lib/format'
import { isOpen, levelOf, loadShort, usersOf, type Axis } from '../../lib/run/load'

/** Words for loads, stages and objectives. */

const digits = (v: number): string => num(v, Number.isInteger(v) ? 0 : Math.abs(v) < 1 ? 2 : 1)

/** "16 users", "5 /s", "4 096 tokens deep": what a stage asks for. */
export function stageLabel(s: Pick<Stage, 'concurrency' | 'rate_per_s' | 'depth_tokens' | 'name' | 'index'>, axis?: Axis): string {
  if (axis === 'depth' || (!axis && s.depth_tokens)) return t('stages.deep', { n: num(s.depth_tokens ?? 0) })
  if (s.concurrency > 0) return t('common.users', { n: num(s.concurrency) })
  return s.rate_per_s !== null ? `${digits(s.rate_per_s)}\u00a0/s` : s.name
}

/** The short form for a point of a chart. */
export function levelText(s: Stage, axis: Axis): string {
  const v = levelOf(s, axis)
  return axis === 'rate' ? `${digits(v)}/s` : axis === 'name' ? s.name : digits(v)
}

export function axisName(axis: Axis): string {
  return t(`stages.axis_${axis}`)
}

/** "TTFT p95 < 150 ms". */
export function objectiveText(o: Objective): string {
  return `${o.metric.toUpperCase()} p${num(o.percentile ?? 95)} < ${num(o.below_ms)}\u00a0ms`
}

/** The load of a run as a phrase: "one user", "16 users", "Poisson, 5 /s", "sweep of 6 stages". */
export function loadPhrase(l: Load, stages: number): string {
  const rate = l.rate_per_s === undefined ? '' : `${digits(l.rate_per_s)}\u00a0/s`
  switch (l.kind) {
    case 'single':
      return stages > 1 ? t('stages.several', { n: stages }) : t('live.oneUser')
    case 'closed':
      return stages > 1 ? t('stages.several', { n: stages }) : t('common.users', { n: num(l.concurrency ?? 1) })
    case 'sweep':
      return t('stages.sweep', { n: stages })
    case 'knee':
      return t('stages.knee')
    case 'ramp':
      return t(isOpen(l) ? 'stages.rampRate' : 'stages.rampUsers', { from: digits(l.from ?? 1), to: digits(l.to ?? 1) })
    case 'trace':
      return t('stages.trace')
    default:
      return `${t(`stages.${l.kind}`)}, ${rate}`
  }
}

/** How many stages a run has, or is known to get. */
export function stageCount(run: Run): number {
  return Math.max(run.summary?.stages.length ?? 0, run.plan.stages?.length ?? 0, run.progress?.stage ? run.progress.stage.index + 1 : 0)
}

export function shortLoad(run: Run): string {
  return loadShort(run.plan.load, stageCount(run))
}

/** A load word as a stage's label, where it is known by nothing else: closed:16, poisson:5/s. */
function wordLabel(word: string): string {
  const users = /^closed:(\d+)$/.exec(word)?.[1]
  if (users) return t('common.users', { n: num(Number(users)) })
  const rate = /^(?:rate|poisson|gamma):([\d.]+)\/s/.exec(word)?.[1]
  return rate ? `${digits(Number(rate))}\u00a0/s` : word
}

/** The name of a stage that may still be under way: from the plan, from its mark, else as it came. */
export function markLabel(run: Run, phases: readonly PhaseChange[], index: number, name: string): string {
  const mark = phases.find((p) => p.stage?.index === index)?.stage
  const plan = run.plan.stages?.find((s) => s.index === index)
  const load = mark?.load ?? plan?.load
  const depth = mark?.depth_tokens ?? plan?.depth_tokens ?? null
  if (!load) return wordLabel(name) || t('stages.stage', { n: index + 1 })
  return stageLabel({ concurrency: usersOf(load) ?? 0, rate_per_s: load.rate_per_s ?? null, depth_tokens: depth, name: name || mark?.name || plan?.name || '', index })
}
