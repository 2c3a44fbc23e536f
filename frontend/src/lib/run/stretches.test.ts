import { describe, expect, it } from 'vitest'
import { foreignCPU, stretches } from './stretches'

describe('stretches above a limit', () => {
  it('have a least length and end where a reading falls or is missing', () => {
    const x = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    expect(stretches(x, [0, 20, 30, 15, 0, 20, null, 20, 20], 15, 2)).toEqual([{ from: 1, to: 3, most: 30 }])
    expect(stretches(x, [20, 20, 20, 20, 20, 20, 20, 20, 21], 15, 2)).toEqual([{ from: 0, to: 8, most: 21 }])
    expect(stretches([], [], 1, 1)).toEqual([])
  })
})

describe('what others use of the processor', () => {
  it('is the rest, and unknown without the engine', () => {
    expect(foreignCPU([80, 60, 10, null], [100, null, 100, 5], [10, 0, null, 0], 2)).toEqual([25, null, 0, null])
  })
})
