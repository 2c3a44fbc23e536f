/** A stretch of time over which a reading stayed at or above a limit; times are those of the readings. */
export interface Stretch { from: number; to: number; most: number }

/** The stretches of at least so long; a reading that is missing ends one. */
export function stretches(x: readonly number[], y: readonly (number | null)[], limit: number, least: number): Stretch[] {
  const out: Stretch[] = []
  let open: Stretch | null = null
  const close = (): void => {
    if (open && open.to - open.from >= least) out.push(open)
    open = null
  }
  x.forEach((t, i) => {
    const v = y[i] ?? null
    if (v === null || v < limit) return close()
    open = open ? { from: open.from, to: t, most: Math.max(open.most, v) } : { from: t, to: t, most: v }
  })
  close()
  return out
}

/** What other programs used of the machine in percent, reading by reading; null where one part is not known. */
export function foreignCPU(machine: readonly (number | null)[], engine: readonly (number | null)[], self: readonly (number | null)[], threads: number): (number | null)[] {
  return machine.map((all, i) => {
    const own = engine[i] ?? null
    return all === null || own === null ? null : Math.max(0, all - (own + (self[i] ?? 0)) / threads)
  })
}
