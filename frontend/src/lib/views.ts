import type { SavedView, ViewFilters } from '../api/types'
import { noFilters, type Filters } from './results'

/** A view of the results: what is let through, in which order, in which columns. Pure. */
export interface View {
  filters: Filters
  sort: { key: string; desc: boolean }
  /** The columns that are shown; none: the usual ones. */
  columns: readonly string[]
}

export const usualSort = { key: 'when', desc: true } as const

/** What is always there. */
export const builtin = {
  all: { filters: noFilters, sort: usualSort, columns: [] },
  valid: { filters: { ...noFilters, verdict: 'valid' }, sort: usualSort, columns: [] },
  week: { filters: { ...noFilters, days: 7 }, sort: usualSort, columns: [] },
} as const satisfies Record<string, View>

export type Builtin = keyof typeof builtin

export function viewOf(saved: SavedView): View {
  const own: Partial<Filters> = saved.filters
  return { filters: { ...noFilters, ...own }, sort: saved.sort.key ? saved.sort : usualSort, columns: saved.columns ?? [] }
}

/** Only what differs from no filter, as the program keeps it. */
export function kept(filters: Filters): ViewFilters {
  return Object.fromEntries(Object.entries(filters).filter(([k, v]) => v !== noFilters[k as keyof Filters])) as ViewFilters
}

export function sameView(a: View, b: View): boolean {
  const same = (Object.keys(noFilters) as (keyof Filters)[]).every((k) => a.filters[k] === b.filters[k])
  return same && a.sort.key === b.sort.key && a.sort.desc === b.sort.desc && [...a.columns].sort().join() === [...b.columns].sort().join()
}
