import type { Load } from '../../api/types'

/** A small drawing of a load over time. All places are fractions of the width and the height. */
export interface Sketch {
  /** Requests of each user that is drawn. */
  lanes: { from: number; to: number }[][]
  /** Users that are not drawn. */
  hidden: number
  /** Arrivals of an open load. */
  ticks: number[]
  /** Users or rate over time. */
  line: [x: number, y: number][]
  /** What the line rises from and to. */
  ends: number[]
  /** Stages side by side; a dashed one is an example of what a search may try. */
  bars: Bar[]
  /** Seconds of the whole width; null where the speed of the model decides. */
  spanS: number | null
}

export interface Bar {
  from: number
  to: number
  y: number
  /** The height that a rising stage starts at; y for all others. */
  first: number
  value: number
  sure: boolean
  /** The value is requests per second; users otherwise. */
  rate: boolean
}

const LANES = 5
const TICKS = 28

const empty = (): Sketch => ({ lanes: [], hidden: 0, ticks: [], line: [], ends: [], bars: [], spanS: null })

/** Even numbers from 0 to 1 that look random and are the same each time (mulberry32). */
function dice(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let x = Math.imul(a ^ (a >>> 15), 1 | a)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
}

/** A gamma variate of mean 1 by the method of Marsaglia and Tsang; shape 1 is exponential. */
function gamma(shape: number, next: () => number): number {
  if (shape < 1) return (gamma(shape + 1, next) * next() ** (1 / shape) * (shape + 1)) / shape
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape
  }
}

function arrivals(l: Load): Sketch {
  const rate = l.rate_per_s ?? 1
  const next = dice(7)
  const gap = l.kind === 'rate' ? () => 1 : l.kind === 'poisson' ? () => gamma(1, next) : () => gamma(1 / (l.cv ?? 2) ** 2, next)
  const ticks: number[] = []
  for (let at = 0; at < TICKS; at += gap()) ticks.push(at / TICKS)
  return { ...empty(), ticks, spanS: TICKS / rate }
}

function lanes(users: number, thinkMs: number, spreadMs: number): Sketch {
  const next = dice(11)
  const shown = Math.min(users, LANES)
  const pause = thinkMs > 0 ? 0.05 : 0.006
  const out = Array.from({ length: shown }, (_, u) => {
    const lane: { from: number; to: number }[] = []
    for (let at = spreadMs > 0 ? (u / shown) * 0.25 : 0; at < 1;) {
      const to = Math.min(1, at + 0.12 + 0.1 * next())
      lane.push({ from: at, to })
      at = to + pause
    }
    return lane
  })
  return { ...empty(), lanes: out, hidden: users - shown }
}

function ramp(l: Load): Sketch {
  const [from, to] = [l.from ?? 1, l.to ?? 1]
  const top = Math.max(from, to)
  const hold = 0.82
  const line: [number, number][] = [[0, from / top], [hold, to / top], [1, to / top]]
  const ticks: number[] = []
  if (l.over === 'rate') {
    // Arrivals stand where the area under the rising rate reaches the next whole share.
    const area = (x: number): number => (x <= hold ? from * x + ((to - from) * x * x) / (2 * hold) : area(hold) + to * (x - hold))
    const all = area(1)
    for (let k = 0; k < TICKS; k++) {
      let [a, b] = [0, 1]
      for (let i = 0; i < 30; i++) [a, b] = area((a + b) / 2) < (k / TICKS) * all ? [(a + b) / 2, b] : [a, (a + b) / 2]
      ticks.push(a)
    }
  }
  return { ...empty(), line, ends: [from, to], ticks, spanS: l.ramp_s === undefined ? null : l.ramp_s / hold }
}

interface Level { first: number; value: number; rate: boolean }

/** One bar a stage. Users and rates are no common scale: each kind is drawn against its own highest. */
function bars(levels: Level[], sure: (i: number) => boolean): Sketch {
  const top = (rate: boolean): number => Math.max(...levels.filter((l) => l.rate === rate).map((l) => Math.max(l.first, l.value)), 0) || 1
  const [users, rates] = [top(false), top(true)]
  return { ...empty(), bars: levels.map(({ first, value, rate }, i) => {
    const most = rate ? rates : users
    return { from: i / levels.length, to: (i + 1) / levels.length, y: value / most, first: first / most, value, sure: sure(i), rate }
  }) }
}

function levels(l: Load, values: number[]): Level[] {
  return values.map((value) => ({ first: value, value, rate: l.over === 'rate' }))
}

function levelOf(l: Load): Level {
  if (l.kind === 'ramp') return { first: l.from ?? 1, value: l.to ?? 1, rate: l.over === 'rate' }
  const value = l.rate_per_s ?? l.concurrency ?? 1
  return { first: value, value, rate: l.rate_per_s !== undefined }
}

/** The drawing of a list of unlike stages. */
export function sketchStages(loads: Load[]): Sketch {
  return bars(loads.map(levelOf).filter((l) => l.value > 0 && l.first > 0), () => true)
}

/** A search as it may go: doubled until it breaks, then halved between. */
function search(l: Load): Sketch {
  const from = l.from ?? 1
  const up = [from, from * 2, from * 4, from * 8].filter((x) => l.to === undefined || x <= l.to)
  const last = up[up.length - 1] ?? from
  const between = up.length > 1 ? [last * 0.75, last * 0.625] : []
  return bars(levels(l, [...up, ...between]), (i) => i === 0)
}

/** The drawing of a load; a trace draws the times (ms) of its first prompts. */
export function sketch(l: Load, times: number[] = []): Sketch {
  switch (l.kind) {
    case 'rate':
    case 'poisson':
    case 'gamma':
      return arrivals(l)
    case 'ramp':
      return ramp(l)
    case 'sweep':
      return bars(levels(l, (l.values ?? []).filter((v) => v > 0)), () => true)
    case 'knee':
      return search(l)
    case 'trace': {
      const end = times[times.length - 1] ?? 0
      return end > 0 ? { ...empty(), ticks: times.map((t) => t / end), spanS: end / 1000 / (l.speed ?? 1) } : empty()
    }
    default:
      return lanes(l.kind === 'closed' ? (l.concurrency ?? 1) : 1, l.think_time_ms ?? 0, l.spread_ms ?? 0)
  }
}
