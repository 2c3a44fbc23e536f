import { describe, expect, it } from 'vitest'
import { aRun, withSpeed } from '../state/fixture'
import { aStage, aSweep } from '../state/stagefixture'
import { facet, loadOf, matches, noFilters, rowsOf, sortRuns, speed, users, type Filters } from './results'

const slow = withSpeed(aRun({ job_id: 'slow', model: 'a', created_at: '2026-11-01T00:00:00Z' }), 10, 50)
const fast = withSpeed(aRun({ job_id: 'fast', model: 'a', created_at: '2026-11-02T00:00:00Z', tags: ['x'], pinned: true }), 20, 40)
const none = aRun({ job_id: 'none', model: 'b', status: 'failed', created_at: '2026-11-03T00:00:00Z' })
const all = [none, fast, slow]
const ids = (rs: { job_id: string }[]): string[] => rs.map((r) => r.job_id)

describe('filters', () => {
  it.each<[Partial<Filters>, string[]]>([
    [{}, ['none', 'fast', 'slow']], [{ text: 'acao' }, ['none', 'fast', 'slow']], [{ text: 'a x' }, ['fast']], [{ text: 'nothing' }, []],
    [{ model: 'b' }, ['none']], [{ starred: true }, ['fast']], [{ tag: 'x' }, ['fast']], [{ status: 'failed' }, ['none']], [{ verdict: 'valid' }, []], [{ load: 'single' }, ['none', 'fast', 'slow']], [{ load: 'closed:4' }, []],
  ])('%o', (f, want) => expect(ids(all.filter((r) => matches(r, { ...noFilters, ...f })))).toEqual(want))
})

describe('texts', () => {
  it('that the program found let a run through', () => {
    expect(ids(all.filter((r) => matches(r, { ...noFilters, text: 'lighthouse' }, new Map([['slow', 1]]))))).toEqual(['slow'])
    expect(ids(all.filter((r) => matches(r, { ...noFilters, text: 'lighthouse', model: 'b' }, new Map([['slow', 1]]))))).toEqual([])
  })
  it('of the last days only', () => {
    const now = Date.parse('2026-11-03T12:00:00Z')
    expect(ids(all.filter((r) => matches(r, { ...noFilters, days: 2 }, undefined, now)))).toEqual(['none', 'fast'])
  })
})

describe('facets', () => {
  const model = (f: Partial<Filters>): [string, number][] => facet(all, (r) => r.model, { ...noFilters, ...f }, 'model').map((v) => [v.value, v.count])
  it('count within the other filters', () => {
    expect(model({})).toEqual([['a', 2], ['b', 1]])
    expect(model({ model: 'b' })).toEqual([['a', 2], ['b', 1]])
    expect(model({ status: 'failed' })).toEqual([['a', 0], ['b', 1]])
  })
  it('count a tag once a run', () => {
    expect(facet([{ ...fast, tags: ['x', 'x', 'y'] }], (r) => r.tags, noFilters, 'tag')).toEqual([{ value: 'x', count: 1 }, { value: 'y', count: 1 }])
  })
})

describe('sorting', () => {
  it('puts missing values last either way', () => {
    expect(ids(sortRuns(all, 'speed', true))).toEqual(['fast', 'slow', 'none'])
    expect(ids(sortRuns(all, 'speed', false))).toEqual(['slow', 'fast', 'none'])
  })
  it('breaks ties by the newest', () => expect(ids(sortRuns(all, 'engine', false))).toEqual(['none', 'fast', 'slow']))
})

describe('figures', () => {
  it('ranks several users by what they get together', () => {
    const r = withSpeed(aRun(), 10, 1)
    r.plan = { ...r.plan, load: { kind: 'closed', concurrency: 4 } }
    if (r.summary) r.summary.output_tokens_per_second = 35
    expect([users(r), speed(r), speed(none)]).toEqual([4, 35, null])
  })
})

describe('sweeps', () => {
  const sweep = aSweep([aStage(0, 1, 70, 100, true), aStage(1, 8, 550, 120, true), aStage(2, 4, 290, 110, true)], 1)
  it('are one row with their best stage', () => {
    expect([loadOf(sweep), users(sweep), speed(sweep)]).toEqual(['sweep ×3', 8, 550])
    expect(rowsOf([sweep, fast], new Set()).map((r) => [r.key, r.speed, r.stages])).toEqual([['sweep', 550, 3], ['fast', 20, 0]])
  })
  it('show their stages by load when opened', () => {
    expect(rowsOf([sweep], new Set(['sweep'])).map((r) => [r.stage?.name ?? '', r.speed])).toEqual([['', 550], ['closed:1', 70], ['closed:4', 290], ['closed:8', 550]])
  })
})
