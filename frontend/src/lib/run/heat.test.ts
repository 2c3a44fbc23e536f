import { describe, expect, it } from 'vitest'
import { heatOf } from './heat'

describe('the heat of cores', () => {
  it('is the mean of each cell, and nothing where nothing was read', () => {
    const h = heatOf([0, 1, 2, 9, 10, 11], [[10, 30, 50, null, 80, 99], [0, 0, 100, 100, 100, 100]], 0, 10, 5)
    expect([...h.values].map((v) => (Number.isNaN(v) ? null : v))).toEqual([20, 50, null, null, 80, 0, 100, null, null, 100])
    expect(heatOf([], [], 0, 0, 4).cores).toBe(0)
  })
})
