import type { BenchmarkRequest, Objective, Plan } from '../../api/types'

/**
 * The request that measures a stored plan again, without its seed: an experiment gives one to each block, so that
 * all arms get the same prompts. A sweep and a search make their stages by themselves.
 */
export function requestOf(p: Plan): BenchmarkRequest {
  const own = p.load.kind !== 'sweep' && p.load.kind !== 'knee'
  const several = own && (p.stages.length > 1 || p.stages.some((s) => s.depth_tokens !== null))
  const points: Pick<BenchmarkRequest, 'load' | 'stages' | 'stop'> = several
    ? { stages: p.stages.map((s) => ({ name: s.name, load: s.load, stop: s.stop, depth_tokens: s.depth_tokens ?? undefined })) }
    : { load: p.load, stop: p.stop }
  return known({
    model_id: p.model_id, ...source(p), ...points, slo: p.slo.length ? (p.slo as Objective[]) : undefined,
    max_tokens: p.max_tokens || undefined, temperature: p.temperature, top_p: p.top_p, use_gpu: p.use_gpu_explicit ? p.use_gpu : undefined, gpu: p.gpu ?? undefined,
    engine_options: p.engine_options ?? undefined, endpoint_id: p.endpoint_id ?? undefined, warmup: p.warmup, cooldown: p.cooldown,
    prompt_cache: p.prompt_cache === 'on' ? 'on' : 'off', repeat: p.repeat > 1 ? p.repeat : undefined, rest: p.rest ?? undefined,
    raw_completion: p.raw_completion || undefined, store_text: p.store_text,
  })
}

/** Where the prompts come from: one of the three. */
function source(p: Plan): Pick<BenchmarkRequest, 'dataset_id' | 'synthetic' | 'prompt'> {
  if (p.synthetic) return { synthetic: p.synthetic }
  if (p.dataset_id) return { dataset_id: p.dataset_id }
  return { prompt: p.prompt ?? undefined }
}

function known(r: BenchmarkRequest): BenchmarkRequest {
  return Object.fromEntries(Object.entries(r).filter(([, v]) => v !== undefined)) as unknown as BenchmarkRequest
}

/** Why a run cannot be an arm: its prompt was not kept, or another program measured it. */
export function cannotRepeat(run: { plan: Plan; imported: unknown; environment: unknown }): 'imported' | 'text' | null {
  if (run.imported !== null && run.imported !== undefined && !run.environment) return 'imported'
  return !run.plan.synthetic && !run.plan.dataset_id && run.plan.prompt === null ? 'text' : null
}

/** The seconds that pairs of these arms take, one after the other; null where the length of one is not known. */
export function turnsTake(durations: readonly (number | null)[], pairs: number): number | null {
  const all = durations.reduce<number | null>((sum, s) => (sum === null || s === null ? null : sum + s), 0)
  return all === null ? null : all * pairs
}
