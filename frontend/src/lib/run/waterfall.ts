import type { RequestRecord } from '../../api/types'

/** Requests as bars over time; seconds from the start of the run. Pure. */

export interface Bar {
  n: number
  stage: number
  /** When it was due; when it was sent where nothing else is known. */
  start: number
  sent: number
  /** First content; the end where none came. */
  first: number
  end: number
  measured: boolean
  failed: boolean
  dropped: boolean
}

export interface Span { from: number; to: number }

export function barsOf(requests: readonly RequestRecord[]): Bar[] {
  return requests.map((r): Bar => {
    const s = (us: number): number => us / 1e6
    const dropped = r.outcome === 'dropped'
    const sent = dropped ? s(r.due_us ?? r.sent_us) : s(r.sent_us)
    const end = dropped ? sent : s(r.sent_us + (r.last_us ?? r.closed_us ?? 0))
    return {
      n: r.n, stage: r.stage, start: Math.min(sent, s(r.due_us ?? r.sent_us)), sent, first: dropped ? sent : r.ttft_us === null ? (r.outcome === 'ok' ? end : sent) : s(r.sent_us + r.ttft_us),
      end, measured: r.phase === 'measure', failed: r.outcome === 'error' || r.outcome === 'incomplete', dropped,
    }
  }).sort((a, b) => a.start - b.start || a.n - b.n)
}

/** When the first measured request of each stage begins, where there are several. */
export function bordersOf(bars: readonly Bar[]): { stage: number; at: number }[] {
  const first = new Map<number, number>()
  for (const b of bars) if (b.measured && !first.has(b.stage)) first.set(b.stage, b.start)
  return first.size < 2 ? [] : [...first].map(([stage, at]) => ({ stage, at }))
}

export function extentOf(bars: readonly Bar[]): Span {
  const from = bars.reduce((v, b) => Math.min(v, b.start), bars.length ? Infinity : 0)
  return { from, to: Math.max(from + 0.1, bars.reduce((v, b) => Math.max(v, b.end), 0)) }
}

/** The visible time after a key: + and − zoom, arrows move, 0 shows all (null). Undefined for other keys. */
export function zoomed(now: Span, whole: Span, key: string): Span | null | undefined {
  const length = now.to - now.from
  const place = (from: number, size: number): Span | null => {
    if (size >= (whole.to - whole.from) * 0.999) return null
    const at = Math.min(Math.max(whole.from, from), whole.to - size)
    return { from: at, to: at + size }
  }
  switch (key) {
    case '+':
    case '=':
    case ']':
      return place(now.from + length / 4, Math.max(0.02, length / 2))
    case '-':
    case '[':
      return place(now.from - length / 2, length * 2)
    case 'ArrowLeft':
      return place(now.from - length / 4, length)
    case 'ArrowRight':
      return place(now.from + length / 4, length)
    case '0':
      return null
    default:
      return undefined
  }
}
