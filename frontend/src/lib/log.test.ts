import { expect, it } from 'vitest'
import type { LogRecord } from '../api/types'
import { details, filtered, lines } from './log'

const records: LogRecord[] = [
  { at: '2026-11-30T10:00:02Z', level: 'ERROR', component: 'store', message: 'It broke', attrs: { error: 'no "space"', a: '1' } },
  { at: '2026-11-30T10:00:01Z', level: 'WARN', component: 'service', message: 'Slow', attrs: {} },
  { at: '2026-11-30T10:00:00Z', level: 'INFO', component: '', message: 'Began', attrs: {} },
]

it('writes a record as a line', () => {
  expect(details(records[0]!)).toBe('a="1" error="no \\"space\\""')
  expect(lines(records.slice(1))).toBe('2026-11-30T10:00:01Z WARN service Slow\n2026-11-30T10:00:00Z INFO Began')
})

it('filters by level and words', () => {
  expect(filtered(records, 'all', '')).toHaveLength(3)
  expect(filtered(records, 'warn', '')).toHaveLength(2)
  expect(filtered(records, 'error', '')).toHaveLength(1)
  expect(filtered(records, 'all', 'SPACE store')).toEqual([records[0]])
  expect(filtered(records, 'warn', 'began')).toEqual([])
})
