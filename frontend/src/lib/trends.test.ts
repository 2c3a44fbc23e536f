import { describe, expect, it } from 'vitest'
import type { Trend } from '../api/types'
import { buildBands, buildsOf, found, lastChange, levelSpans, nearest, placeOfChange, places, sidesOf, sorted, timeTicks, valueRange } from './trends'

const change = (job: string, percent: number): Trend['changes'][number] => ({
  job_id: job, at: '', before: 100, after: 100 + percent, percent, percent_interval: null, p: 0.01, direction: 'better', build_before: '', build_after: '', differs: [],
})
/** A series of so many runs with a step at one of them; each run is a day after the one before. */
const aTrend = (model: string, n: number, step = n, percent = 10): Trend => ({
  id: model, model, engine: 'llama-server', load: '1 user', machine: 'A CPU', metric: 'decode_tokens_per_second', unit: 'tok/s', better: 'higher',
  points: Array.from({ length: n }, (_, i) => ({ job_id: `r${i}`, at: new Date(Date.UTC(2026, 0, 1 + i)).toISOString(), value: i < step ? 100 : 100 + percent, build: i < step ? 'b1' : 'b2' })),
  levels: step < n
    ? [{ first_job_id: 'r0', last_job_id: `r${step - 1}`, n: step, mean: 100, interval: [99, 101] }, { first_job_id: `r${step}`, last_job_id: `r${n - 1}`, n: n - step, mean: 100 + percent, interval: null }]
    : [{ first_job_id: 'r0', last_job_id: `r${n - 1}`, n, mean: 100, interval: null }],
  changes: step < n ? [change(`r${step}`, percent)] : [],
})

describe('the list of series', () => {
  const all = [aTrend('Qwen3 8B', 4), aTrend('Ação 2B', 9, 5, -3), aTrend('Llama 70B', 7, 3, 20)]
  it('is searched by every word, accents or not, builds too', () => {
    expect(found(all, 'acao cpu').map((t) => t.model)).toEqual(['Ação 2B'])
    expect(found(all, 'b2')).toHaveLength(2)
    expect(found(all, '')).toHaveLength(3)
    expect(found(all, 'qwen b2')).toEqual([])
  })
  it('is ordered by runs, by the newest, by the size of the change and by name', () => {
    const names = (by: Parameters<typeof sorted>[1]): string[] => sorted(all, by).map((t) => t.model.slice(0, 1))
    expect(names('runs')).toEqual(['A', 'L', 'Q'])
    expect(names('newest')).toEqual(['A', 'L', 'Q'])
    expect(names('change')).toEqual(['L', 'A', 'Q'])
    expect(names('name')).toEqual(['A', 'L', 'Q'])
    expect(all[0]?.model).toBe('Qwen3 8B')
  })
  it('tells the newest change', () => {
    expect(lastChange(all[0] as Trend)).toBeNull()
    expect(lastChange(all[1] as Trend)?.percent).toBe(-3)
  })
})

describe('the chart of a series', () => {
  const t = aTrend('m', 10, 6)
  it('shows stretches of one build, also where one comes back', () => {
    expect(buildBands(t)).toEqual([{ build: 'b1', from: 0, to: 5 }, { build: 'b2', from: 6, to: 9 }])
    const back = { points: [...t.points, { job_id: 'x', at: '2026-02-01T00:00:00Z', value: 1, build: 'b1' }] }
    expect(buildBands(back).map((b) => b.build)).toEqual(['b1', 'b2', 'b1'])
    expect(buildsOf(back)).toEqual(['b1', 'b2'])
  })
  it('places points by time or one beside the other', () => {
    const late = { points: [...t.points, { job_id: 'x', at: '2026-01-19T00:00:00Z', value: 1, build: 'b2' }] }
    expect(places(late, 'time')[9]).toBeCloseTo(0.5)
    expect(places(late, 'run')[5]).toBeCloseTo(0.5)
    expect(places({ points: t.points.slice(0, 1) }, 'time')).toEqual([0.5])
    const same = t.points.slice(0, 3).map((p) => ({ ...p, at: '2026-01-01T00:00:00Z' }))
    expect(places({ points: same }, 'time')).toEqual([0, 0.5, 1])
  })
  it('finds the point next to a place', () => {
    expect(nearest([0, 0.2, 0.9, 1], 0.6)).toBe(2)
    expect(nearest([0, 0.2, 0.9, 1], -5)).toBe(0)
  })
  it('has room around the points and does not blow noise up', () => {
    const [lo, hi] = valueRange(t)
    expect(lo).toBeLessThan(100)
    expect(hi).toBeGreaterThan(110)
    const [a, b] = valueRange({ points: t.points.map((p, i) => ({ ...p, value: 100 + i * 1e-6 })) })
    expect(b - a).toBeGreaterThan(5)
    expect(valueRange({ points: t.points.map((p) => ({ ...p, value: 0 })) })).toEqual([0, 1])
  })
  it('puts levels and changes where they are', () => {
    expect(levelSpans(t).map((l) => [l.from, l.to, l.mean])).toEqual([[0, 5, 100], [6, 9, 110]])
    expect(placeOfChange(t, { job_id: 'r6' })).toBe(6)
    expect(sidesOf(t, 0)).toEqual({ before: ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'], after: ['r6', 'r7', 'r8', 'r9'] })
    const long = sidesOf(aTrend('m', 100, 60), 0)
    expect([long.before.length, long.before[29], long.after.length, long.after[0]]).toEqual([30, 'r59', 30, 'r60'])
  })
  it('has few round times on its axis', () => {
    const days = timeTicks(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 20), 6)
    expect(days.days).toBe(true)
    expect(days.at.length).toBeGreaterThan(1)
    expect(days.at.length).toBeLessThanOrEqual(7)
    const short = timeTicks(Date.UTC(2026, 0, 1, 10), Date.UTC(2026, 0, 1, 10, 20), 5)
    expect(short.days).toBe(false)
    expect(short.at.every((v) => new Date(v).getUTCMinutes() % 5 === 0)).toBe(true)
    expect(timeTicks(5, 5, 5).at).toEqual([5])
  })
})
