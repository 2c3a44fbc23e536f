import type { RequestRecord } from '../../api/types'

/** One request on two clocks. Times in ms, speeds in tokens per second. */
export interface Clocks {
  ttftMs: number | null
  decodeMs: number | null
  clientSpeed: number | null
  promptMs: number | null
  predictedMs: number | null
  serverSpeed: number | null
  serverTokens: number
  cached: number | null
  draft: { tokens: number; accepted: number } | null
}

/** Both clocks of a request; null when the server told nothing. */
export function clocksOf(r: RequestRecord): Clocks | null {
  const s = r.server
  if (!s) return null
  const decodeMs = r.last_us !== null && r.ttft_us !== null ? (r.last_us - r.ttft_us) / 1000 : null
  const more = (r.output_tokens ?? 0) - 1
  return {
    ttftMs: r.ttft_us === null ? null : r.ttft_us / 1000, decodeMs, clientSpeed: decodeMs && more > 0 ? (more * 1000) / decodeMs : null,
    promptMs: s.prompt_ms, predictedMs: s.predicted_ms, serverSpeed: s.predicted_ms && s.predicted_tokens > 1 ? ((s.predicted_tokens - 1) * 1000) / s.predicted_ms : null,
    serverTokens: s.predicted_tokens, cached: s.cached_tokens ?? null,
    draft: s.draft_tokens ? { tokens: s.draft_tokens, accepted: s.draft_accepted ?? 0 } : null,
  }
}
