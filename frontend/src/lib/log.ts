import type { LogRecord } from '../api/types'

export type LogLevel = 'all' | 'warn' | 'error'

const rank = (level: string): number => (level.startsWith('ERROR') ? 2 : level.startsWith('WARN') ? 1 : 0)

/** A record's attributes as they stand in a line. */
export function details(r: LogRecord): string {
  return Object.keys(r.attrs).sort().map((k) => `${k}=${JSON.stringify(r.attrs[k])}`).join(' ')
}

/** One line for each record, as it is copied. */
export function lines(records: readonly LogRecord[]): string {
  return records.map((r) => [r.at, r.level, r.component, r.message, details(r)].filter(Boolean).join(' ')).join('\n')
}

/** The records of a level or above in whose line every word occurs. */
export function filtered(records: readonly LogRecord[], level: LogLevel, words: string): LogRecord[] {
  const least = level === 'error' ? 2 : level === 'warn' ? 1 : 0
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  return records.filter((r) => {
    if (rank(r.level) < least) return false
    const line = lines([r]).toLowerCase()
    return wanted.every((w) => line.includes(w))
  })
}
