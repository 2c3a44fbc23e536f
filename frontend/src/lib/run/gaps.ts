import type { RequestRecord } from '../../api/types'

/** What the arrival times of chunks tell. Pure; times in ms. */

/** The gaps between the content chunks of a request. */
export function gapsOf(r: RequestRecord): number[] {
  const at = r.chunk_us ?? []
  return at.slice(1).map((t, i) => (t - (at[i] ?? t)) / 1000)
}

/** Each gap shared among the tokens of its chunk, once per token; null where the engine counted none. */
export function tokenGaps(r: RequestRecord): number[] | null {
  const tokens = r.chunk_tokens
  if (!tokens || tokens.length !== (r.chunk_us?.length ?? 0)) return null
  return gapsOf(r).flatMap((gap, i) => {
    const k = Math.max(1, tokens[i + 1] ?? 1)
    return Array.from({ length: k }, () => gap / k)
  })
}

/** Whether the chunk before which gap i stands was reasoning: it came before the first visible content. */
export function isReasoning(r: RequestRecord, gap: number): boolean {
  const at = r.chunk_us?.[gap + 1]
  if (at === undefined || r.ttft_us === null || r.ttfv_us === r.ttft_us) return false
  if (r.ttfv_us === null) return r.tokens_from !== 'import' // another tool's file may not say when the first visible one came
  return at < r.ttfv_us
}

export interface Stall { n: number; stage: number; atMs: number; gapMs: number; times: number }

/** A gap that is longer than so many medians is a stall. */
export const STALL_TIMES = 4

/** The gaps far above the median of all, longest first. */
export function stallsOf(records: readonly RequestRecord[], median: number): Stall[] {
  if (!(median > 0)) return []
  return records.flatMap((r) => gapsOf(r).flatMap((gapMs, i): Stall[] => {
    const atMs = (r.chunk_us?.[i] ?? 0) / 1000
    return gapMs > STALL_TIMES * median ? [{ n: r.n, stage: r.stage, atMs, gapMs, times: gapMs / median }] : []
  })).sort((a, b) => b.gapMs - a.gapMs)
}
