import type { EnergyScope, Figures, Sample } from '../../api/types'

/** What the energy of a run says, pure. */

/** Scopes from the one closest to the model's own work to the widest. */
const order = ['gpu_board', 'cpu_package', 'system_battery']

/** The scopes with a figure, the closest first. */
export function metered(f: Figures | null): EnergyScope[] {
  return (f?.energy?.scopes ?? []).filter((s) => s.gross_j !== null).sort((a, b) => order.indexOf(a.scope) - order.indexOf(b.scope))
}

/** The scope a result is spoken of by: the closest one that knows what a token took. */
export function leadScope(f: Figures | null): EnergyScope | null {
  return metered(f).find((s) => s.j_per_token !== null) ?? null
}

/** Scopes without a figure. */
export function unmetered(f: Figures | null): EnergyScope[] {
  return (f?.energy?.scopes ?? []).filter((s) => s.gross_j === null)
}

/** Power over time in W; x in seconds. A counter of energy gives it as its slope over half a second or more. */
export function powerOver(samples: readonly Sample[], scope: string): { x: number[]; y: (number | null)[] } {
  const x = samples.map((s) => s.t_ms / 1000)
  if (scope === 'gpu_board') return { x, y: samples.map((s) => s.power_w) }
  if (scope === 'system_battery') return { x, y: samples.map((s) => s.battery_power_w) }
  let from: { t: number; j: number } | null = null
  let last: number | null = null
  const y = samples.map((s) => {
    if (s.cpu_energy_j === null) return null
    const t = s.t_ms / 1000
    if (from && t - from.t < SLOPE_S) return last
    last = from ? (s.cpu_energy_j - from.j) / (t - from.t) : null
    from = { t, j: s.cpu_energy_j }
    return last
  })
  return { x, y }
}

const SLOPE_S = 0.5
