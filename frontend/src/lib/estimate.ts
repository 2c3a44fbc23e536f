/** How long a benchmark will take, from past runs of the same model. */

export interface Past {
  ttftMs: number
  /** Output tokens per second of one request at the same number of users. */
  decode: number
}

export interface Job {
  requests: number | null
  durationS: number | null
  maxTokens: number
  warmup: number
  users: number
}

export interface Estimate {
  lowS: number
  midS: number
  highS: number
  from: number
}

/** Null when no past run tells. Ranges over the past runs, at least ± 20 %. */
export function estimate(job: Job, past: Past[]): Estimate | null {
  const usable = past.filter((p) => p.decode > 0)
  if (usable.length === 0) return null
  const one = usable.map((p) => p.ttftMs / 1000 + job.maxTokens / p.decode).sort((a, b) => a - b)
  const mid = one[Math.floor(one.length / 2)] ?? 0
  const all = (perRequest: number): number => {
    const warm = job.warmup * perRequest
    const bySize = job.requests === null ? Infinity : Math.ceil(job.requests / job.users) * perRequest
    const byTime = job.durationS === null ? Infinity : job.durationS + perRequest
    return warm + Math.min(bySize, byTime)
  }
  const midS = all(mid)
  if (!Number.isFinite(midS)) return null
  const lowS = Math.min(all(one[0] ?? mid), midS * 0.8)
  const highS = Math.max(all(one[one.length - 1] ?? mid), midS * 1.2)
  return { lowS, midS, highS, from: usable.length }
}
