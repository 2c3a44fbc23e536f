/** The use of every core over time, ready to be drawn as rows of cells. */
export interface Heat { cores: number; cells: number; /** Mean percent of core c in cell i at c * cells + i; NaN where there is no reading. */ values: Float64Array }

/** Means over equal cells from one time to another; cols holds a column of percentages for each core. */
export function heatOf(x: readonly number[], cols: readonly (readonly (number | null)[])[], from: number, to: number, cells: number): Heat {
  const n = cols.length
  const values = new Float64Array(n * cells).fill(NaN)
  const counts = new Uint32Array(n * cells)
  if (to > from) {
    x.forEach((t, i) => {
      const cell = Math.min(cells - 1, Math.floor(((t - from) / (to - from)) * cells))
      if (t < from || t > to) return
      cols.forEach((col, c) => {
        const v = col[i] ?? null
        if (v === null) return
        const at = c * cells + cell
        const before = counts[at] ?? 0
        values[at] = before ? ((values[at] ?? 0) * before + v) / (before + 1) : v
        counts[at] = before + 1
      })
    })
  }
  return { cores: n, cells, values }
}
