/** Columns of numbers over time with a fixed capacity; the oldest row makes room for the newest. */

/** What charts draw: the times and, per column, a value or null. */
export type Columns = [number[], ...(number | null)[][]]

export class Ring {
  readonly width: number
  readonly capacity: number
  private readonly times: Float64Array
  private readonly values: Float64Array[]
  private start = 0
  private count = 0

  constructor(width: number, capacity: number) {
    if (width < 1 || capacity < 1) throw new RangeError('a ring needs a column and a row')
    this.width = width
    this.capacity = capacity
    this.times = new Float64Array(capacity)
    this.values = Array.from({ length: width }, () => new Float64Array(capacity))
  }

  get length(): number {
    return this.count
  }

  /** The newest time, or null when empty. */
  get last(): number | null {
    return this.count ? (this.times[this.index(this.count - 1)] ?? null) : null
  }

  /** The oldest time, or null when empty. */
  get first(): number | null {
    return this.count ? (this.times[this.index(0)] ?? null) : null
  }

  /** Appends a row. A row that is not newer than the last one is ignored: replays repeat rows. */
  push(t: number, row: readonly (number | null | undefined)[]): boolean {
    const last = this.last
    if (!Number.isFinite(t) || (last !== null && t <= last)) return false
    const at = this.index(this.count)
    this.times[at] = t
    this.values.forEach((column, i) => {
      column[at] = row[i] ?? NaN
    })
    if (this.count < this.capacity) this.count++
    else this.start = (this.start + 1) % this.capacity
    return true
  }

  clear(): void {
    this.start = 0
    this.count = 0
  }

  /** The rows with a time of at least from, oldest first; chosen columns only when given. */
  rows(from = -Infinity, columns?: readonly number[]): Columns {
    const first = this.firstAt(from)
    const wanted = columns ?? this.values.map((_, i) => i)
    const out: Columns = [[]]
    for (let i = first; i < this.count; i++) out[0].push(this.times[this.index(i)] ?? 0)
    for (const c of wanted) {
      const column: (number | null)[] = []
      for (let i = first; i < this.count; i++) {
        const v = this.values[c]?.[this.index(i)] ?? NaN
        column.push(Number.isNaN(v) ? null : v)
      }
      out.push(column)
    }
    return out
  }

  /** The newest known value of a column, or null. */
  latest(column: number): number | null {
    const v = this.count ? this.values[column]?.[this.index(this.count - 1)] : undefined
    return v === undefined || Number.isNaN(v) ? null : v
  }

  private index(i: number): number {
    return (this.start + i) % this.capacity
  }

  private firstAt(t: number): number {
    let lo = 0
    let hi = this.count
    while (lo < hi) {
      const mid = (lo + hi) >> 1
      if ((this.times[this.index(mid)] ?? 0) < t) lo = mid + 1
      else hi = mid
    }
    return lo
  }
}
