import { locale, type Lang } from './locale.svelte'

/** A figure and its unit, apart because the unit is drawn lighter. */
export interface Figure {
  value: string
  unit: string
}

type Maybe = number | null | undefined

/** What stands for a figure that is missing; never 0. */
export const MISSING = '–'
const GROUP = '\u202f'
const MINUS = '\u2212'
const NBSP = '\u00a0'

function known(x: Maybe): x is number {
  return typeof x === 'number' && Number.isFinite(x)
}

/** A number with fixed decimals, thin groups from four digits up and the decimal mark of the language. */
export function num(x: Maybe, decimals = 0, lang: Lang = locale.lang): string {
  if (!known(x)) return MISSING
  const [whole = '0', part] = Math.abs(x).toFixed(decimals).split('.')
  const grouped = whole.length < 4 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, GROUP)
  const text = part ? `${grouped}${lang === 'pt-BR' ? ',' : '.'}${part}` : grouped
  const zero = /^[0,.\u202f]*$/.test(text)
  return x < 0 && !zero ? MINUS + text : text
}

function figure(x: Maybe, unit: string, decimals: number): Figure {
  return known(x) ? { value: num(x, decimals), unit } : { value: MISSING, unit: '' }
}

/** Figure as one string, the unit after a space that does not break. */
export function text(f: Figure): string {
  return f.unit ? `${f.value}${NBSP}${f.unit}` : f.value
}

/** Decimals so that three digits count: 548, 40.8, 8.21. */
function three(x: number): number {
  const a = Math.abs(x)
  return a >= 99.95 ? 0 : a >= 9.995 ? 1 : 2
}

/** Latency in ms: 548, 40.8, 8.21. */
export function ms(x: Maybe): Figure {
  return figure(x, 'ms', known(x) ? three(x) : 0)
}

/** Both ends of an interval, as ms unless told otherwise. */
export function range(x: readonly number[], as: (v: Maybe) => Figure = ms): string {
  return `${as(x[0]).value}–${as(x[1]).value}`
}

/** The wider half of an interval around its figure: what stands behind ±. */
export function halfWidth(v: Maybe, x: readonly number[] | null | undefined): number | null {
  const [low, high] = x ?? []
  return known(v) && known(low) && known(high) ? Math.max(high - v, v - low) : null
}

/** Offset in microseconds as ms. */
export function us(x: Maybe): Figure {
  return ms(known(x) ? x / 1000 : null)
}

/** Tokens per second: 121.8, from a thousand up 4 310. */
export function tokS(x: Maybe): Figure {
  return figure(x, 'tok/s', known(x) && Math.abs(x) >= 999.95 ? 0 : 1)
}

/** Requests per second. */
export function perS(x: Maybe): Figure {
  return figure(x, '/s', 2)
}

/** A share that is already in percent. */
export function percent(x: Maybe, decimals = 0): Figure {
  return figure(x, '%', decimals)
}

/** A share of 1 as percent. */
export function share(x: Maybe): Figure {
  return percent(known(x) ? x * 100 : null)
}

export function watts(x: Maybe): Figure {
  return figure(x, 'W', known(x) && Math.abs(x) < 9.95 ? 1 : 0)
}

export function joulesPerToken(x: Maybe): Figure {
  return figure(x, 'J/token', known(x) ? three(x) : 0)
}

export function energy(joules: Maybe): Figure {
  if (!known(joules)) return figure(null, '', 0)
  return Math.abs(joules) >= 1000 ? figure(joules / 1000, 'kJ', 1) : figure(joules, 'J', three(joules))
}

/** Rate of a disk or a network. */
export function mbS(x: Maybe): Figure {
  return figure(x, 'MB/s', known(x) && x !== 0 ? three(x) : 0)
}

/** An amount that may be tiny, such as money or emissions: two digits that count at least. */
export function amount(x: Maybe, unit: string): Figure {
  return figure(x, unit, known(x) && x !== 0 ? Math.min(8, Math.max(2, 1 - Math.floor(Math.log10(Math.abs(x))))) : 2)
}

/** Memory that is given in GB of 10^9 bytes. */
export function gb(x: Maybe): Figure {
  return figure(x, 'GB', 1)
}

/** A file's size: 740 MB, 7.9 GB. */
export function bytes(n: Maybe): Figure {
  if (!known(n)) return figure(null, '', 0)
  if (n >= 999.5e6) return figure(n / 1e9, 'GB', 1)
  if (n >= 999.5e3) return figure(n / 1e6, 'MB', n < 9.95e6 ? 1 : 0)
  return n >= 1000 ? figure(n / 1000, 'kB', 0) : figure(n, 'B', 0)
}

export function mhz(x: Maybe): Figure {
  return figure(x, 'MHz', 0)
}

export function celsius(x: Maybe): Figure {
  return figure(x, '°C', 0)
}

/** A count of parameters: 135 M, 8.19 B. */
export function parameters(n: Maybe): Figure {
  if (!known(n)) return figure(null, '', 0)
  return n >= 999.5e6 ? figure(n / 1e9, 'B', 2) : figure(n / 1e6, 'M', 0)
}

/** Seconds: 4.8 s, 22 s, 5:02, 1:05:02. */
export function duration(s: Maybe): string {
  if (!known(s)) return MISSING
  if (s < 9.95) return text(figure(Math.max(0, s), 's', 1))
  if (s < 59.5) return text(figure(s, 's', 0))
  const all = Math.round(s)
  const two = (n: number): string => String(n).padStart(2, '0')
  const h = Math.floor(all / 3600)
  const m = Math.floor((all % 3600) / 60)
  return h > 0 ? `${h}:${two(m)}:${two(all % 60)}` : `${m}:${two(all % 60)}`
}

/** A ratio to a baseline as a difference: +30 %, −19 %. */
export function difference(ratio: Maybe): string {
  if (!known(ratio)) return MISSING
  const p = (ratio - 1) * 100
  const body = num(p, Math.abs(p) < 9.95 ? 1 : 0)
  return `${p > 0 ? '+' : ''}${body}${NBSP}%`
}

/** A difference of two shares in percent points: +7.7 pp. */
export function points(p: Maybe): string {
  return known(p) ? `${p > 0 ? '+' : ''}${num(p, 1)}${NBSP}pp` : MISSING
}

/** Today 15:10, this year 12 Nov, 15:10, else 12 Nov 2026, 15:10. */
export function instant(iso: string | null | undefined, now = new Date()): string {
  const d = iso ? new Date(iso) : null
  if (!d || Number.isNaN(d.getTime())) return MISSING
  const lang = locale.lang === 'pt-BR' ? 'pt-BR' : 'en-GB'
  const clock = d.toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  if (d.toDateString() === now.toDateString()) return clock
  const month = d.toLocaleDateString(lang, { month: 'short' }).replace(/\.?$/, locale.lang === 'pt-BR' ? '.' : '')
  const year = d.getFullYear() === now.getFullYear() ? '' : ` ${d.getFullYear()}`
  return `${d.getDate()} ${month}${year}, ${clock}`
}

/** The time of day with seconds, for logs. */
export function clock(iso: string): string {
  const d = new Date(iso)
  return Number.isNaN(d.getTime()) ? MISSING : d.toTimeString().slice(0, 8)
}

/** The time of day of a time axis in seconds since 1970. */
export function wall(s: number, seconds: boolean): string {
  return clock(new Date(s * 1000).toISOString()).slice(0, seconds ? 8 : 5)
}
