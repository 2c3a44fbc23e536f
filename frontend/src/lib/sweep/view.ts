import type { Experiment, SweepCell, SweepResult, SweepSettings, SweepValue } from '../../api/types'
import { numeric, valueOf, valuesOf } from './settings'
import { figureAt } from './weigh'

/** What the pictures of a sweep are drawn from. */

/** A cell with its place among the cells. */
export interface Placed { i: number; cell: SweepCell; value: SweepValue | null }

export function metricIndex(r: SweepResult, key: string): number {
  return r.metrics.findIndex((m) => m.key === key)
}

export function placed(r: SweepResult, key: string): Placed[] {
  const at = metricIndex(r, key)
  return r.cells.map((cell, i) => ({ i, cell, value: cell.values[at] ?? null }))
}

export interface HeatCell extends Placed {
  /** How strong its colour is: 1 is the best of all; null without a figure. */
  strength: number | null
}

/** The colours span at least so much, as a share of the best: else chance alone would look like a difference. */
const LEAST_SPAN = 0.15

/** How near each value comes to the best of all: 1 is the best. */
export function sharesOf(values: readonly (number | null)[], better: string): (number | null)[] {
  const known = values.filter((v): v is number => v !== null && v > 0)
  const best = better === 'lower' ? Math.min(...known) : Math.max(...known)
  return values.map((v) => (v === null || v <= 0 ? null : better === 'lower' ? best / v : v / best))
}

/** Rows and columns of two settings; null where no cell was tried. */
export function heatOf(r: SweepResult, key: string): { rows: string[]; columns: string[]; at: (HeatCell | null)[][] } {
  const [down = '', across = ''] = r.settings
  const rows = valuesOf(r.cells, down)
  const columns = valuesOf(r.cells, across)
  const better = r.metrics[metricIndex(r, key)]?.better ?? 'higher'
  const all = placed(r, key)
  const shares = sharesOf(all.map((p) => p.value?.mean ?? null), better)
  const widest = Math.max(LEAST_SPAN, ...shares.map((x) => (x === null ? 0 : 1 - x)))
  const strength = (i: number): number | null => {
    const share = shares[i] ?? null
    return share === null ? null : 1 - (1 - share) / widest
  }
  const find = (a: string, b: string): HeatCell | null => {
    const p = all.find((x) => valueOf(x.cell.settings, down) === a && valueOf(x.cell.settings, across) === b)
    return p ? { ...p, strength: strength(p.i) } : null
  }
  return { rows, columns, at: rows.map((a) => columns.map((b) => find(a, b))) }
}

/** The combination that was left out at a place, with its reason. */
export function leftOutAt(r: SweepResult, settings: Record<string, string>): string {
  return r.left_out.find((s) => Object.entries(settings).every(([k, v]) => valueOf(s.settings, k) === v))?.reason ?? ''
}

export interface Axis { key: string; kind: 'setting' | 'metric'; low: number; high: number; values: string[] }
export interface Thread { i: number; at: (number | null)[] }

/** Parallel axes, each setting and then each metric, with a line for each cell: places from 0 to 1. */
export function parallelOf(r: SweepResult, metrics: readonly string[]): { axes: Axis[]; threads: Thread[] } {
  const axes: Axis[] = r.settings.map((key) => {
    const values = valuesOf(r.cells, key)
    return { key, kind: 'setting', low: 0, high: Math.max(1, values.length - 1), values }
  })
  for (const key of metrics) {
    const known = r.cells.map((c) => figureAt(r, c, key)).filter((v): v is number => v !== null)
    if (known.length === 0) continue
    const [low, high] = [Math.min(...known), Math.max(...known)]
    const pad = high > low ? 0 : Math.abs(high) / 10 || 1
    axes.push({ key, kind: 'metric', low: low - pad, high: high + pad, values: [] })
  }
  const placeOf = (c: SweepCell, a: Axis): number | null => {
    const v = a.kind === 'setting' ? a.values.indexOf(valueOf(c.settings, a.key)) : figureAt(r, c, a.key)
    return v === null || v < 0 ? null : (v - a.low) / (a.high - a.low)
  }
  return { axes, threads: r.cells.map((c, i) => ({ i, at: axes.map((a) => placeOf(c, a)) })) }
}

export type Brush = readonly [number, number] | null

/** Whether a line passes through all brushed ranges. */
export function passes(thread: Thread, brushes: readonly Brush[]): boolean {
  return brushes.every((b, k) => {
    const at = thread.at[k]
    return !b || (at !== null && at !== undefined && at >= b[0] - 1e-9 && at <= b[1] + 1e-9)
  })
}

/** The query of a new benchmark with the settings of a cell. */
export function useQuery(e: Pick<Experiment, 'arms'>, cell: SweepCell, i: number): Record<string, string> {
  const b = e.arms[i]?.benchmark
  if (!b) return {}
  const options = Object.entries(b.engine_options ?? {}).filter(([, v]) => v !== null && v !== undefined)
  const s: SweepSettings = cell.settings
  const input = s.prompt_tokens
  return {
    model: b.model_id, ...(b.endpoint_id ? { endpoint: b.endpoint_id } : {}), ...(b.dataset_id ? { dataset: b.dataset_id } : {}),
    ...(options.length ? { set: options.map(([k, v]) => `${k}=${String(v)}`).join(',') } : {}),
    ...(b.load?.kind === 'closed' && b.load.concurrency ? { users: String(b.load.concurrency) } : {}),
    ...(b.max_tokens ? { max_tokens: String(b.max_tokens) } : {}), ...(input ? { input_tokens: String(input) } : {}),
  }
}

/** Whether a setting has a natural order, so that a line between its values means something. */
export function ordered(r: SweepResult): boolean {
  return r.settings.length === 1 && numeric(r.settings[0] ?? '')
}
