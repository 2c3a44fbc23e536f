import type { Lens } from '../../api'
import { csvOf } from '../../ui/series'

export type LensRow = Lens['rows'][number]

/** A lens as comma separated values. */
export function lensCsv(l: Lens): string {
  return csvOf(['key', 'label', 'value', 'ours', 'unit', 'definition'], l.rows.map((r) => [r.key, r.label, r.value, r.ours, r.unit, r.definition]))
}

/** A lens as the other tool writes it: its keys with its values. */
export function lensJson(l: Lens): string {
  return JSON.stringify(Object.fromEntries(l.rows.map((r) => [r.key, r.value])), null, 2)
}
