import { describe, expect, it } from 'vitest'
import { funnelRange } from './funnel'

const point = (value: number, interval: [number, number] | null) => ({ job_id: 'x', value, mean: value, interval, percent: null, look: false })

describe('the range of the funnel', () => {
  it('leaves out the interval of the first runs and takes in the target', () => {
    const [lo, hi] = funnelRange([point(10, null), point(11, [-40, 60]), point(10, [2, 19]), point(10.5, [9, 12])], [9.5, 12.5])
    expect(lo).toBeLessThan(9)
    expect(lo).toBeGreaterThan(8)
    expect(hi).toBeGreaterThan(12.5)
    expect(hi).toBeLessThan(14)
  })
  it('has a height when all is alike', () => {
    const [lo, hi] = funnelRange([point(5, null)], [5, 5])
    expect(hi).toBeGreaterThan(lo)
  })
})
