import type { Sample } from '../../api/types'

/** Stretches over which the same reasons held a GPU's clock down; reasons are joined by commas. Times are ms. */
export interface Held { from: number; to: number; reasons: string }

/** Collects the stretches from samples as they come. */
export class LimitTrack {
  readonly all: Held[] = []
  private open = ''

  push(s: Sample): void {
    const last = this.all[this.all.length - 1]
    if (this.open && last) last.to = s.t_ms
    const now = heldBy(s)
    if (now && now !== this.open) this.all.push({ from: s.t_ms, to: s.t_ms, reasons: now })
    this.open = now
  }
}

/** What holds the clock down now; being idle holds nothing down. */
function heldBy(s: Sample): string {
  const all = (s.gpus ?? []).flatMap((g) => g.limit_reasons ?? []).filter((r) => r !== 'idle')
  return [...new Set(all)].sort().join(',')
}
