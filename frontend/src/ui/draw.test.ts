import { describe, expect, it } from 'vitest'
import { axisValues, axisNumber, bins, quantile, roof, steps } from './draw'
import { csv, minutes } from './series'

describe('axes', () => {
  it('steps are round and lie inside the range', () => {
    expect(steps(0, 100, 4)).toEqual([0, 50, 100])
    expect(steps(0.2, 1.1, 4)).toEqual([0.5, 1])
    expect(steps(5, 5, 3)).toEqual([5])
  })
  it('the roof is the next round number', () => {
    expect([roof(0), roof(0.7), roof(12), roof(31), roof(100)]).toEqual([1, 0.8, 15, 40, 100])
  })
  it('numbers follow the language of the page', () => {
    document.documentElement.lang = 'pt-BR'
    expect(axisNumber(1234.5, 1)).toBe('1\u202f234,5')
    document.documentElement.lang = 'en'
    expect(axisNumber(-0.25, 2)).toBe('\u22120.25')
  })
  it('time is written as minutes', () => {
    expect([minutes(0), minutes(65), minutes(-30)]).toEqual(['0:00', '1:05', '\u22120:30'])
  })
})

describe('statistics for charts', () => {
  it('every value falls into one bin, the largest into the last', () => {
    const out = bins([1, 2, 3, 4, 100], 4, 5)
    expect(out.map((b) => b.n)).toEqual([1, 1, 1, 2])
    expect(bins([], 4)).toEqual([])
    expect(bins([7, 7, 7], 3).reduce((n, b) => n + b.n, 0)).toBe(3)
  })
  it('quantiles interpolate between the closest ranks', () => {
    expect(quantile([], 0.5)).toBeNull()
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4], 1)).toBe(4)
  })
  it('the table twin as CSV keeps gaps and quotes names', () => {
    expect(csv('t_s', [0, 1], [{ label: 'a,b', y: [1, null], color: '--d1' }], 'ms')).toBe('t_s,"a,b (ms)"\n0,1\n1,')
  })
})

describe('the numbers of an axis', () => {
  it.each([
    [[0, 50, 100], ['0', '50', '100']],
    [[0, 0.5, 1], ['0.0', '0.5', '1.0']],
    [[0, 0.25, 0.5], ['0.00', '0.25', '0.50']],
    [[1, null, 1000], ['1', '', '1\u202f000']],
  ])('%j have the same, fewest decimals', (values, want) => expect(axisValues(values)).toEqual(want))
})
