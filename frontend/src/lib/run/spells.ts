/** A time over which something was so. The numbers are those given with it; null without any. */
export interface Spell { from: number; to: number; /** Given when it began. */ before: number | null; low: number | null; high: number | null; sum: number }

/**
 * Collects the times over which something is so, from readings as they come. It takes up again what
 * ended less than gap before; what lasted less than least does not count.
 */
export class Spells {
  private readonly list: Spell[] = []
  private on = false
  private readonly gap: number
  private readonly least: number

  constructor(gap: number, least: number) {
    this.gap = gap
    this.least = least
  }

  push(t: number, on: boolean, v: number | null = null, before: number | null = null): void {
    const last = this.list[this.list.length - 1]
    if (on && last && (this.on || t - last.to <= this.gap)) extend(last, t, v)
    else if (on) this.list.push({ from: t, to: t, before, low: v, high: v, sum: v ?? 0 })
    this.on = on
  }

  /** The ones that count, oldest first. */
  get all(): Spell[] {
    return this.list.filter((s) => s.to - s.from >= this.least)
  }
}

function extend(s: Spell, t: number, v: number | null): void {
  s.to = t
  if (v === null) return
  s.low = s.low === null ? v : Math.min(s.low, v)
  s.high = s.high === null ? v : Math.max(s.high, v)
  s.sum += v
}
