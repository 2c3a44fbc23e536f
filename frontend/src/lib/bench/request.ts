import type { BenchmarkRequest, Lengths, Load, Synthetic } from '../../api/types'
import type { RunFlags } from '../snippets'
import { checkEngine, engineOptions, engineWord } from './engine'
import { Checker, readNumber, type Faults, type Limits } from './fields'
import { checkLoad, checkObjective, loadsOf, loadWord, objectiveOf, objectiveWord } from './load'
import type { DraftValues, LengthsDraft } from './values'

/** From the form to the body of the call, and to the same call in other words. */

const tokens: Limits = { low: 1, high: 1_048_576, whole: true }
const optional: Limits = { ...tokens, optional: true }

/** A search chooses its own stages; every other load can be repeated at several depths of context. */
export function takesDepth(v: DraftValues): boolean {
  return v.load !== 'knee'
}

/** The faults by the JSON name of the field, as a problem's errors name them. */
export function faults(v: DraftValues): Faults {
  const c = new Checker()
  if (!modelOf(v)) c.add('model_id', { key: 'choose' })
  if (v.target === 'endpoint' && !v.endpointId) c.add('endpoint_id', { key: 'choose' })
  if (v.source === 'prompt' && v.prompt.trim() === '') c.add('prompt', { key: 'required' })
  if (v.source === 'dataset' && !v.datasetId) c.add('dataset_id', { key: 'choose' })
  if (v.load === 'trace' && v.source !== 'dataset') c.add('dataset_id', { key: 'trace' })
  if (v.source === 'synthetic') checkSynthetic(v, c)
  if (hasMaxTokens(v)) c.number('max_tokens', v.maxTokens, { low: 1, high: 32_768, whole: true })
  checkDepths(v, c)
  checkLoad(v, c)
  c.number('stop.requests', v.requests, { low: 1, high: 1_000_000, whole: true, optional: true })
  c.number('stop.duration_s', v.durationS, { low: 0, high: 86_400, above: true, optional: true })
  c.number('stop.tokens', v.tokens, { low: 1, high: 1_000_000_000, whole: true, optional: true })
  c.number('stop.errors', v.errors, { low: 1, high: 1_000_000, whole: true, optional: true })
  c.number('stop.confidence_percent', v.confidence, { low: 0, high: 50, above: true, optional: true })
  for (const [i, o] of v.objectives.entries()) checkObjective(`slo[${i}]`, o, c)
  c.number('temperature', v.temperature, { low: 0, high: 2 })
  c.number('top_p', v.topP, { low: 0, high: 1, above: true })
  c.number('seed', v.seed, { low: 0, high: 4_294_967_295, whole: true, optional: true })
  c.number('warmup', v.warmup, { low: 0, high: 1000, whole: true })
  c.number('cooldown', v.cooldown, { low: 0, high: 1000, whole: true })
  if (v.repeat !== 'auto') c.number('repeat', v.repeat, { low: 1, high: 1000, whole: true })
  c.number('rest.seconds', v.restS, { low: 0, high: 3600, optional: true })
  if (v.target === 'model') checkEngine(v.engine, c)
  c.number('rest.below_c', v.restBelow, { low: 20, high: 100, optional: true })
  return c.faults
}

function checkSynthetic(v: DraftValues, c: Checker): void {
  checkLengths('synthetic.input_tokens', v.input, c)
  if (!hasMaxTokens(v)) checkLengths('synthetic.output_tokens', v.output, c)
  c.number('synthetic.shared_prefix_tokens', v.sharedPrefix, { ...optional, low: 0 })
  c.number('synthetic.turns', v.turns, { ...optional, high: 64 })
  c.number('synthetic.prompts', v.made, { ...optional, high: 10_000 })
}

function checkLengths(at: string, l: LengthsDraft, c: Checker): void {
  if (l.kind === 'fixed') return c.number(`${at}.tokens`, l.tokens, tokens)
  const free = l.kind !== 'uniform'
  if (free) {
    c.number(`${at}.mean`, l.mean, { low: 0, high: tokens.high, above: true })
    c.number(`${at}.stddev`, l.stddev, { low: 0, high: tokens.high })
  }
  c.number(`${at}.min`, l.min, { ...tokens, optional: free })
  c.number(`${at}.max`, l.max, { ...tokens, optional: free })
  if ((readNumber(l.max) ?? Infinity) < (readNumber(l.min) ?? 0)) c.add(`${at}.max`, { key: 'order' })
}

function checkDepths(v: DraftValues, c: Checker): void {
  for (const [i, d] of v.depths.entries()) c.number(`depths[${i}]`, d, { low: 0, high: tokens.high, whole: true })
  if (v.depths.length === 0) return
  if (!takesDepth(v)) c.add('depths', { key: 'depth' })
  else if (v.depths.length * pointLoads(v).length > 64) c.add('depths', { key: 'stages' })
}

/** Whether one number says the output length of every request. */
export function hasMaxTokens(v: DraftValues): boolean {
  return v.source !== 'synthetic' || v.output.kind === 'fixed'
}

function modelOf(v: DraftValues): string {
  return v.target === 'model' ? v.modelId : v.endpointModel.trim()
}

function lengthsOf(l: LengthsDraft): Lengths {
  const n = readNumber
  if (l.kind === 'fixed') return { kind: 'fixed', tokens: n(l.tokens) }
  if (l.kind === 'uniform') return { kind: 'uniform', min: n(l.min), max: n(l.max) }
  return { kind: l.kind, mean: n(l.mean), stddev: n(l.stddev), min: n(l.min), max: n(l.max) }
}

function syntheticOf(v: DraftValues): Synthetic {
  return {
    input_tokens: lengthsOf(v.input),
    ...(hasMaxTokens(v) ? {} : { output_tokens: lengthsOf(v.output) }),
    shared_prefix_tokens: readNumber(v.sharedPrefix) || undefined, turns: readNumber(v.turns), prompts: readNumber(v.made),
  }
}

/** The points of a sweep as loads of their own; any other load is one point. */
function pointLoads(v: DraftValues): Load[] {
  return loadsOf(v).flatMap(pointsAt)
}

function pointsAt(load: Load): Load[] {
  const { values, over, kind, ...rest } = load
  if (kind !== 'sweep') return [load]
  return (values ?? []).map((x) => (over === 'rate' ? { ...rest, kind: 'rate', rate_per_s: x } : { ...rest, kind: 'closed', concurrency: x }))
}

/** A load, or one stage for each load and depth of context. */
function pointsOf(v: DraftValues): Pick<BenchmarkRequest, 'load' | 'stages'> {
  if (v.depths.length === 0 || !takesDepth(v)) {
    const loads = loadsOf(v)
    return v.load === 'stages' ? { stages: loads.map((load) => ({ load })) } : { load: loads[0] }
  }
  return { stages: pointLoads(v).flatMap((load) => v.depths.map((d) => ({ load, depth_tokens: readNumber(d) }))) }
}

/** The body of the call; only meaningful without faults. */
export function toRequest(v: DraftValues): BenchmarkRequest {
  const n = readNumber
  const stop = { requests: n(v.requests), duration_s: n(v.durationS), tokens: n(v.tokens), errors: n(v.errors), confidence_percent: n(v.confidence) }
  const tags = v.tags.split(',').map((t) => t.trim()).filter(Boolean)
  return {
    model_id: modelOf(v),
    ...(v.target === 'endpoint' ? { endpoint_id: v.endpointId } : {}),
    ...(v.source === 'prompt' ? { prompt: v.prompt } : v.source === 'dataset' ? { dataset_id: v.datasetId } : { synthetic: syntheticOf(v) }),
    ...(hasMaxTokens(v) ? { max_tokens: n(v.maxTokens) } : {}),
    temperature: n(v.temperature),
    top_p: n(v.topP),
    ...(v.target === 'model' ? { use_gpu: v.useGpu, ...engineOptions(v.engine) } : {}),
    ...(v.template === 'model' ? {} : { raw_completion: v.template === 'without' }),
    seed: n(v.seed),
    ...pointsOf(v),
    ...(Object.values(stop).some((s) => s !== undefined) ? { stop } : {}),
    warmup: n(v.warmup),
    ...(n(v.cooldown) ? { cooldown: n(v.cooldown) } : {}),
    ...(v.repeat === 'auto' ? { repeat: 'auto' } : n(v.repeat) !== 1 ? { repeat: n(v.repeat) } : {}),
    ...restOf(v),
    ...(v.objectives.length ? { slo: v.objectives.map(objectiveOf) } : {}),
    ...(v.promptCache === 'on' ? { prompt_cache: 'on' as const } : {}),
    ...(v.storeText ? {} : { store_text: false }),
    ...(v.name.trim() ? { name: v.name.trim() } : {}),
    ...(tags.length ? { tags } : {}),
  }
}

/** The pause between repetitions and stages; none is left out. */
function restOf(v: DraftValues): Pick<BenchmarkRequest, 'rest'> {
  const seconds = readNumber(v.restS) || undefined
  const below_c = readNumber(v.restBelow)
  return seconds === undefined && below_c === undefined ? {} : { rest: { seconds, below_c } }
}

/** "normal:512,64". */
export function lengthsWord(l: Lengths | undefined): string | undefined {
  if (!l) return undefined
  if (l.kind === 'fixed') return String(l.tokens)
  return l.kind === 'uniform' ? `uniform:${l.min}..${l.max}` : `${l.kind}:${l.mean},${l.stddev}`
}

/** Several stages as words of their own; the command line itself repeats one load at every depth. */
function words(r: BenchmarkRequest, v: DraftValues): Pick<RunFlags, 'load' | 'stages'> {
  const loads = r.stages ? pointLoads(v) : loadsOf(v)
  return r.stages && (loads.length > 1 || v.load === 'stages') ? { stages: loads.map(loadWord) } : { load: loads.map(loadWord).join() }
}

/** The flags of the command line that say the same as a body. */
export function toFlags(r: BenchmarkRequest, v: DraftValues): RunFlags {
  const s = r.synthetic
  return {
    model: r.model_id || 'MODEL',
    endpoint: r.endpoint_id, prompt: r.prompt, dataset: r.dataset_id,
    inputTokens: lengthsWord(s?.input_tokens), outputTokens: lengthsWord(s?.output_tokens), sharedPrefix: s?.shared_prefix_tokens, turns: s?.turns, prompts: s?.prompts,
    maxTokens: r.max_tokens, temperature: r.temperature, topP: r.top_p, seed: r.seed, noGPU: r.use_gpu === false,
    ...words(r, v), depth: r.stages ? v.depths.join(',') : undefined, raw: r.raw_completion, set: engineWord(r.engine_options),
    slo: r.slo?.map(objectiveWord).join(','),
    requests: r.stop?.requests, durationS: r.stop?.duration_s, tokens: r.stop?.tokens, errors: r.stop?.errors, confidence: r.stop?.confidence_percent,
    warmup: r.warmup, cooldown: r.cooldown, repeat: r.repeat as number | string | undefined, restS: r.rest?.seconds, restBelow: r.rest?.below_c, promptCache: r.prompt_cache, name: r.name, tags: r.tags,
  }
}
