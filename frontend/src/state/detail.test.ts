import { afterEach, describe, expect, it, vi } from 'vitest'
import { calls, type Sample } from '../api'
import { RunRecords } from './detail.svelte'
import { aSample } from './fixture'

const at = (ms: number): Sample => ({ ...aSample(0), t_ms: ms })

afterEach(() => vi.restoreAllMocks())

describe('samples of a run', () => {
  it('are read anew where a part of a long run is looked at', async () => {
    const overview = Array.from({ length: 2000 }, (_, i) => at(i * 1000))
    const read = vi.spyOn(calls, 'runMetrics').mockImplementation((_, q = {}) =>
      Promise.resolve(q.start_us === undefined ? overview : [at(q.start_us / 1000), at(q.start_us / 1000 + 100), at((q.end_us ?? 0) / 1000)]))
    const records = new RunRecords('a')
    await records.samples.load()
    expect(records.seen).toHaveLength(2000)
    await records.look([10.5, 20.5])
    expect(read).toHaveBeenLastCalledWith('a', { points: 2000, start_us: 10_500_000, end_us: 20_500_000 })
    expect(records.seen.slice(10, 15).map((s) => s.t_ms)).toEqual([10_000, 10_500, 10_600, 20_500, 21_000])
    expect(records.seen).toHaveLength(2000 - 10 + 3)
    await records.look(null)
    expect(records.seen).toHaveLength(2000)
  })

  it('are not, when all of them are there', async () => {
    const read = vi.spyOn(calls, 'runMetrics').mockResolvedValue([at(0), at(100)])
    const records = new RunRecords('a')
    await records.samples.load()
    await records.look([0, 0.05])
    expect(read).toHaveBeenCalledTimes(1)
    expect(records.seen).toHaveLength(2)
  })
})
