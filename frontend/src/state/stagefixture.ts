import type { Figures, Run, Stage } from '../api'
import { aRun, noStats, withSpeed } from './fixture'

/** Stages and sweeps for tests. */

export function someFigures(over: Partial<Figures> = {}): Figures {
  const s = withSpeed(aRun(), null, null).summary
  if (!s) throw new Error('no summary')
  return { ...s, ...over }
}

export function aStage(index: number, users: number, tokS: number, ttft: number, met?: boolean): Stage {
  return {
    index, name: `closed:${users}`, concurrency: users, rate_per_s: null, depth_tokens: null, start_us: index * 1e6, end_us: (index + 1) * 1e6, state: 'done',
    objectives: met === undefined ? [] : [{ objective: { metric: 'ttft', percentile: 95, below_ms: 150 }, value_ms: ttft, met }], hardware: null,
    summary: someFigures({ output_tokens_per_second: tokS, ttft_ms: { ...noStats, p50: ttft * 0.9, p95: ttft, n: 20 } }),
  }
}

export function aSweep(stages: Stage[], best: number | null): Run {
  const run = withSpeed(aRun({ job_id: 'sweep' }), 10, 20)
  return {
    ...run, plan: { ...run.plan, load: { kind: 'sweep', values: stages.map((s) => s.concurrency) } },
    summary: run.summary ? { ...run.summary, stages, best_stage: best } : null,
  }
}
