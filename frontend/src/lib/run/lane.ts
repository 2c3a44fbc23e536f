/** Where marks stand on a lane of time. Pure. */

export interface Cluster<T> { /** Share of the lane's width from its left end. */ x: number; marks: T[] }

/** The marks within [from, to]; those that would cover one another stand together at the place of the first. */
export function clusters<T extends { from: number | null }>(marks: readonly T[], from: number, to: number, width: number, size: number): Cluster<T>[] {
  const out: Cluster<T>[] = []
  const span = to - from
  if (!(span > 0) || !(width > 0)) return out
  const inside = marks.filter((m) => m.from !== null && m.from >= from && m.from <= to).sort((a, b) => (a.from ?? 0) - (b.from ?? 0))
  for (const m of inside) {
    const x = ((m.from ?? 0) - from) / span
    const last = out[out.length - 1]
    if (last && (x - last.x) * width < size) last.marks.push(m)
    else out.push({ x, marks: [m] })
  }
  return out
}

/** The numbers of marks in few letters: 3, 3–5, or 3 +2 where they do not follow one another. */
export function numbersOf(ns: readonly number[]): string {
  const [first = 0, ...rest] = ns
  if (rest.length === 0) return String(first)
  return rest.every((n, i) => n === first + i + 1) ? `${first}–${first + rest.length}` : `${first} +${rest.length}`
}

/** Less than this of a run, and never less than the first, nor more than the second in seconds, is not looked at. */
const [LEAST_SHARE, LEAST_S, MOST_S] = [0.2, 2, 20]

/** The time to look at for an event: its own length with room on both sides, within the whole; null where that is all of it. */
export function around(from: number, to: number, whole: readonly [number, number]): [number, number] | null {
  const all = whole[1] - whole[0]
  const least = Math.min(MOST_S, Math.max(LEAST_S, all * LEAST_SHARE))
  const size = Math.max(least, (to - from) * 1.2)
  if (size >= all * 0.999) return null
  const start = Math.min(Math.max(whole[0], (from + to) / 2 - size / 2), whole[1] - size)
  return [start, start + size]
}
