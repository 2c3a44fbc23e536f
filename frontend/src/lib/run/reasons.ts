/** How long a GPU was held by what, over the last minutes. */

interface Stretch { from: number; to: number; reasons: readonly string[] }

export interface ReasonShare { /** Empty for the time in which nothing limited it. */ reason: string; seconds: number; /** Of the time that is known. */ share: number }

/** Readings further apart than this leave what was between them unknown. */
const HOLDS_S = 3

export class ReasonLog {
  private readonly keepS: number
  private all: Stretch[] = []
  private last: number | null = null

  constructor(keepS: number) {
    this.keepS = keepS
  }

  /** Null reasons: the GPU does not tell. A reading tells of the time up to the next one. */
  push(t: number, reasons: readonly string[] | null): void {
    const open = this.all[this.all.length - 1]
    if (open && this.last !== null && open.to === this.last && t - this.last <= HOLDS_S) open.to = t
    this.last = t
    if (reasons === null) {
      this.last = null
      return
    }
    const key = [...reasons].sort()
    const now = this.all[this.all.length - 1]
    if (!now || now.to !== t || now.reasons.join() !== key.join()) this.all.push({ from: t, to: t, reasons: key })
    if ((this.all[0]?.to ?? t) < t - this.keepS) this.all = this.all.filter((s) => s.to >= t - this.keepS)
  }

  /** This one with what a later one knows after it. */
  then(later: ReasonLog): ReasonLog {
    this.all = [...this.all, ...later.all]
    this.last = later.last
    return this
  }

  /** When something held it down since then; being idle holds nothing down. */
  held(since: number): { from: number; to: number }[] {
    return this.all.filter((s) => s.to >= since && s.reasons.some((r) => r !== 'idle')).map(({ from, to }) => ({ from, to }))
  }

  /** The shares of the last so many seconds, the longest first; none where nothing is known. */
  shares(seconds: number): ReasonShare[] {
    const newest = this.all[this.all.length - 1]
    if (!newest) return []
    const by = new Map<string, number>()
    let known = 0
    for (const s of this.all) {
      const length = s.to - Math.max(s.from, newest.to - seconds)
      if (length <= 0) continue
      known += length
      for (const r of s.reasons.length ? s.reasons : ['']) by.set(r, (by.get(r) ?? 0) + length)
    }
    return [...by].map(([reason, s]) => ({ reason, seconds: s, share: s / known })).sort((a, b) => b.seconds - a.seconds)
  }
}
