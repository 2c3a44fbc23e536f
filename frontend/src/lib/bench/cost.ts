import type { BenchmarkRequest, Lengths, Load, Stop } from '../../api/types'
import { estimate, type Past } from '../estimate'

/** What a benchmark will take, before it is started. */

export interface StageCost {
  users: number | null
  requests: number | null
  /** Seconds of a stage that a clock ends; null where the speed of the model decides. */
  clockS: number | null
  /** Random arrivals: the number of requests is their mean. */
  random: boolean
}

export interface Cost {
  stages: number
  /** A search adds stages as it goes. */
  more: boolean
  requests: number | null
  /** The number of requests is a mean of random arrivals. */
  random: boolean
  /** Requests and time are the most: the benchmark ends when the means are known well enough. */
  most: boolean
  warmup: number
  /** The most users of a stage; 1 for open loads, whose requests under way are not known before. */
  users: number
  /** Tokens of the context that one request needs: depth, prompt and output. */
  context: number
  time: { lowS: number; midS: number; highS: number } | null
  /** Past runs that the time comes from; 0 when the clock alone tells it. */
  from: number
}

/** Without a limit an open load of prompts without an end lasts this long, in seconds. */
const OPEN_S = 30

/** Without another limit a stage that waits for its means ends after so many requests. */
const MOST_FOR_MEANS = 10_000

/** The stages of a request with what is known of each. Prompts: those of the dataset, null for other workloads. */
export function stagesOf(r: BenchmarkRequest, prompts: number | null): StageCost[] {
  const loads = r.stages?.map((s) => s.load ?? { kind: 'single' as const }) ?? spread(r.load ?? { kind: 'single' })
  return loads.map((l) => stageOf(l, limitsOf(l, r.stop ?? {}), prompts, r.load?.kind ?? ''))
}

function spread(l: Load): Load[] {
  if (l.kind === 'sweep') return (l.values ?? []).map((x) => point(l, x))
  return [l.kind === 'knee' ? point(l, l.from ?? 1) : l]
}

function point(l: Load, x: number): Load {
  return l.over === 'rate' ? { kind: 'rate', rate_per_s: x } : { kind: 'closed', concurrency: x }
}

function limited(stop: Stop): boolean {
  return stop.duration_s !== undefined || stop.tokens !== undefined || stop.requests !== undefined
}

function limitsOf(l: Load, stop: Stop): Stop {
  return stop.confidence_percent === undefined || limited(stop) || l.kind === 'trace' ? stop : { ...stop, requests: MOST_FOR_MEANS }
}

function stageOf(l: Load, stop: Stop, prompts: number | null, whole: string): StageCost {
  const free = limited(stop)
  const requests = stop.requests ?? null
  if (l.kind === 'single' || l.kind === 'closed') {
    const users = l.kind === 'closed' ? (l.concurrency ?? 1) : 1
    const searched = whole === 'sweep' || whole === 'knee'
    const standard = searched ? Math.max(2 * users, prompts ?? 8) : (prompts ?? users)
    return { users, requests: requests ?? (free ? null : standard), clockS: stop.duration_s ?? null, random: false }
  }
  const ramp = l.kind === 'ramp' ? (l.ramp_s ?? null) : null
  const users = l.kind === 'ramp' && l.over !== 'rate' ? Math.max(l.from ?? 1, l.to ?? 1) : null
  if (l.kind === 'trace') return { users, requests: requests ?? prompts, clockS: stop.duration_s ?? null, random: false }
  if (users !== null) return { users, requests, clockS: stop.duration_s ?? (free ? null : ramp), random: false }
  const perS = l.kind === 'ramp' ? ((l.from ?? 1) + (l.to ?? 1)) / 2 : (l.rate_per_s ?? 1)
  const count = requests ?? (free ? null : prompts)
  const clock = stop.duration_s ?? (free || prompts !== null ? null : (ramp ?? OPEN_S))
  const clockS = least(clock, count === null ? null : count / perS)
  const due = clockS === null ? null : Math.max(1, Math.round(clockS * perS))
  const random = (l.kind === 'poisson' || l.kind === 'gamma') && clock !== null && due !== count
  return { users, requests: least(count, due), clockS, random }
}

function least(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}

/** Adds up the stages; past(users) are earlier figures of the same model at so many users. */
export function costOf(r: BenchmarkRequest, prompts: number | null, past: (users: number) => Past[]): Cost {
  const stages = stagesOf(r, prompts)
  const warmup = r.warmup ?? 1
  const one = past(1)
  const tokens = r.max_tokens ?? 128
  let time: Cost['time'] = { lowS: 0, midS: 0, highS: 0 }
  let from = 0
  for (const s of stages) {
    const known = s.users === null ? [] : past(s.users)
    const told = s.requests === null || s.users === null ? null : estimate({ requests: s.requests, durationS: s.clockS, maxTokens: tokens, warmup: 0, users: s.users }, known)
    const clock = s.clockS === null ? null : { lowS: s.clockS, midS: s.clockS, highS: s.clockS }
    const part = told && (!clock || told.midS < clock.midS) ? told : clock
    if (!part || !time) {
      time = null
      break
    }
    if (part === told) from = Math.max(from, known.length)
    time = { lowS: time.lowS + part.lowS, midS: time.midS + part.midS, highS: time.highS + part.highS }
  }
  const repeat = typeof r.repeat === 'number' && r.repeat > 1 ? r.repeat : 1
  if (time) time = again(time, repeat, (stages.length * repeat - 1) * (r.rest?.seconds ?? 0))
  const warm = warmup ? estimate({ requests: warmup, durationS: null, maxTokens: tokens, warmup: 0, users: 1 }, one) : null
  if (time && warm) time = { lowS: time.lowS + warm.lowS, midS: time.midS + warm.midS, highS: time.highS + warm.highS }
  const requests = stages.reduce<number | null>((sum, s) => (sum === null || s.requests === null ? null : sum + s.requests * repeat), 0)
  const users = Math.max(1, ...stages.map((s) => s.users || 1))
  const depth = Math.max(0, ...(r.stages ?? []).map((s) => s.depth_tokens ?? 0))
  const context = depth + (longest(r.synthetic?.input_tokens) ?? 512) + (longest(r.synthetic?.output_tokens) ?? tokens)
  return { stages: stages.length, users, context, more: r.load?.kind === 'knee', random: stages.some((s) => s.random), most: r.stop?.confidence_percent !== undefined, requests, warmup, time, from }
}

/** So many times as long, with the rests in between. What waits for a temperature cannot be told. */
function again(time: NonNullable<Cost['time']>, times: number, restS: number): NonNullable<Cost['time']> {
  return { lowS: time.lowS * times + restS, midS: time.midS * times + restS, highS: time.highS * times + restS }
}

/** The longest of a distribution that is likely: mean and two standard deviations. */
function longest(l: Lengths | undefined): number | undefined {
  if (!l) return undefined
  return l.tokens ?? l.max ?? ((l.mean ?? 0) + 2 * (l.stddev ?? 0))
}
