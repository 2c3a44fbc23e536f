import { describe, expect, it } from 'vitest'
import { densityOf, pool, reachOf, sharesOf, valueAt, wantsLog } from './distribution'

const even = (from: number, to: number, points = 101): number[] => Array.from({ length: points }, (_, i) => from + ((to - from) * i) / (points - 1))

describe('distributions of requests', () => {
  it('pools runs by how many requests they have', () => {
    const p = pool([{ n: 900, values: even(0, 10) }, { n: 100, values: even(100, 110) }, { n: 0, values: [] }])
    expect(p.n).toBe(1000)
    expect(p.upTo.at(-1)).toBeCloseTo(1, 9)
    expect(valueAt(p, 0.45)).toBeCloseTo(5, 1)
    expect(valueAt(p, 0.95)).toBeCloseTo(105, 1)
    expect([valueAt(p, 0), valueAt(p, 1)]).toEqual([0, 110])
  })
  it('has no value without requests', () => {
    expect(valueAt(pool([]), 0.5)).toBeNull()
    expect(reachOf([pool([]), pool([{ n: 0, values: [] }])])).toBeNull()
    expect(valueAt(pool([{ n: 1, values: [7] }]), 0.5)).toBe(7)
  })
  it('draws an axis that one straggler does not flatten', () => {
    const values = [...even(10, 20, 200)]
    values[199] = 5000
    const [low, high] = reachOf([pool([{ n: 10_000, values }])]) ?? [0, 0]
    expect(low).toBeGreaterThan(9)
    expect(high).toBeLessThan(25)
    expect([wantsLog([10, 20]), wantsLog([10, 500]), wantsLog([0, 500])]).toEqual([false, true, false])
  })
  it('is not flattened by a few percent of stragglers either', () => {
    const values = [...even(10, 20, 194), ...even(9000, 9999, 6)]
    expect(reachOf([pool([{ n: 500, values }])])?.[1]).toBeLessThan(50)
  })
  it('has its density where the values are', () => {
    const p = pool([{ n: 1000, values: even(90, 110) }])
    const d = densityOf(p, even(0, 200, 201))
    expect(Math.max(...d)).toBe(1)
    expect(d[100]).toBeGreaterThan(0.9)
    expect([d[40], d[160]].every((y) => (y ?? 1) < 0.001)).toBe(true)
    expect(densityOf(pool([{ n: 3, values: [5, 5, 5] }]), even(0, 10, 11))[5]).toBe(1)
  })
  it('counts shares that add up', () => {
    const s = sharesOf(pool([{ n: 1000, values: even(0, 10) }]), [0, 10], 5)
    expect(s.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    expect(s[2]).toBeCloseTo(0.2, 1)
  })
})
