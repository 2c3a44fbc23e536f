import type { Bottleneck, EnergyScope, Figures, Run, Stage } from '../api'
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
    objectives: met === undefined ? [] : [{ objective: { metric: 'ttft', percentile: 95, below_ms: 150 }, value_ms: ttft, met }], hardware: null, course: null,
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

export function aScope(scope: string, over: Partial<EnergyScope> = {}): EnergyScope {
  return {
    scope, method: 'counter', window_s: 60, gross_j: 1908, net_j: 1760, mean_w: 31.8, idle_w: 2.5, noise_j: 4, below_resolution: false, uncertainty_percent: 0.3,
    j_per_token: 2.61, net_j_per_token: 2.41, j_per_request: 668, tokens_per_j: 0.38, wh: 0.53, cost: 0.000466, currency: 'BRL', co2_g: 0.05, reason: '', net_reason: '', ...over,
  }
}

export function aLimit(over: Partial<Bottleneck> = {}): Bottleneck {
  return {
    limit: 'memory_bandwidth', stage: 0, share: 0.67, reached: 581, ceiling: 868, unit: 'GB/s', ceiling_from: '', sentence: '',
    evidence: [], ruled_out: [], not_judged: [], ...over,
  }
}
