import { describe, expect, it } from 'vitest'
import { noFilters } from './results'
import { builtin, kept, sameView, viewOf, type View } from './views'

const view: View = { filters: { ...noFilters, model: 'm', days: 7, starred: true }, sort: { key: 'speed', desc: true }, columns: ['model', 'speed'] }

describe('views', () => {
  it('come back as they were kept', () => {
    const saved = { id: 'v', name: 'n', filters: kept(view.filters), sort: view.sort, columns: [...view.columns], created_at: '' }
    expect(saved.filters).toEqual({ model: 'm', days: 7, starred: true })
    expect(viewOf(saved)).toEqual(view)
  })
  it('have the usual order where none was kept', () => {
    expect(viewOf({ id: 'v', name: 'n', filters: {}, sort: { key: '', desc: false }, columns: [], created_at: '' })).toEqual(builtin.all)
  })
  it('are told apart by filters, order and columns', () => {
    expect(sameView(view, { ...view, columns: ['speed', 'model'] })).toBe(true)
    for (const other of [{ ...view, columns: [] }, { ...view, sort: { key: 'speed', desc: false } }, { ...view, filters: { ...view.filters, tag: 'x' } }]) {
      expect(sameView(view, other)).toBe(false)
    }
  })
})
