/** Small statistics for what the screen itself collects; run figures come from the program. */

export interface Extent {
  now: number | null
  min: number | null
  avg: number | null
  max: number | null
  n: number
}

/** Running least, mean and largest of a sensor. */
export class Running {
  private n = 0
  private sum = 0
  private lo = Infinity
  private hi = -Infinity
  private now: number | null = null

  add(v: number | null | undefined): void {
    this.now = typeof v === 'number' && Number.isFinite(v) ? v : null
    if (this.now === null) return
    this.n++
    this.sum += this.now
    this.lo = Math.min(this.lo, this.now)
    this.hi = Math.max(this.hi, this.now)
  }

  get extent(): Extent {
    if (this.n === 0) return { now: this.now, min: null, avg: null, max: null, n: 0 }
    return { now: this.now, min: this.lo, avg: this.sum / this.n, max: this.hi, n: this.n }
  }
}
