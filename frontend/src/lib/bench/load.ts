import type { Load, Objective } from '../../api/types'
import { readNumber, type Checker, type Limits } from './fields'
import type { DraftValues, ObjectiveDraft, StageDraft } from './values'

/** The load of a benchmark out of the form, its faults, and the word that says it. */

const users: Limits = { low: 1, high: 10_000, whole: true }
const rate: Limits = { low: 0, high: 100_000, above: true }
const pause: Limits = { low: 0, high: 600_000, whole: true, optional: true }
const inFlight: Limits = { ...users, optional: true }

/** Whether requests start by the clock, not by free users; of a list of one's own, those of some stage. */
export function isOpen(v: DraftValues): boolean {
  if (v.load === 'stages') return ownStages(v).some(isOpen)
  return v.load === 'rate' || v.load === 'trace' || (['ramp', 'sweep', 'knee'].includes(v.load) && v.over === 'rate')
}

/** Whether users send the requests; of a list of one's own, those of some stage. */
export function hasUsers(v: DraftValues): boolean {
  return v.load === 'stages' ? ownStages(v).some(hasUsers) : !isOpen(v)
}

/** The form once for each stage of a list of one's own, as if that stage were the whole load. */
export function ownStages(v: DraftValues): DraftValues[] {
  return v.stages.map((s) => ({ ...v, ...ownStage(s) }))
}

function ownStage(s: StageDraft): Partial<DraftValues> {
  switch (s.kind) {
    case 'single':
      return { load: 'single' }
    case 'closed':
      return { load: 'closed', users: s.users, spreadMs: '' }
    case 'rampUsers':
    case 'rampRate':
      return { load: 'ramp', over: s.kind === 'rampRate' ? 'rate' : 'concurrency', rampFrom: s.from, rampTo: s.to, rampS: s.rampS }
    default:
      return { load: 'rate', arrivals: s.kind, rate: s.rate, cv: s.cv }
  }
}

export function sweepValues(v: DraftValues): string[] {
  return v.over === 'rate' ? v.sweepRates : v.sweepUsers
}

export function checkLoad(v: DraftValues, c: Checker): void {
  if (isOpen(v)) c.number('load.max_in_flight', v.maxInFlight, inFlight)
  if (hasUsers(v)) c.number('load.think_time_ms', v.thinkMs, pause)
  if (v.load !== 'stages') return checkKind('load', v, c)
  if (v.stages.length === 0) c.add('stages', { key: 'required' })
  if (v.stages.length > 64) c.add('stages', { key: 'stages' })
  for (const [i, one] of ownStages(v).entries()) checkKind(`stages[${i}].load`, one, c)
}

/** The fields that only one kind of load has. */
function checkKind(at: string, v: DraftValues, c: Checker): void {
  const each = v.over === 'rate' ? rate : users
  switch (v.load) {
    case 'closed':
      c.number(`${at}.concurrency`, v.users, users)
      return c.number(`${at}.spread_ms`, v.spreadMs, pause)
    case 'rate':
      c.number(`${at}.rate_per_s`, v.rate, rate)
      if (v.arrivals === 'gamma') c.number(`${at}.cv`, v.cv, { low: 0, high: 10, above: true })
      return
    case 'ramp':
      c.number(`${at}.from`, v.rampFrom, each)
      c.number(`${at}.to`, v.rampTo, each)
      if ((readNumber(v.rampTo) ?? Infinity) <= (readNumber(v.rampFrom) ?? 0)) c.add(`${at}.to`, { key: 'order' })
      return c.number(`${at}.ramp_s`, v.rampS, { low: 0, high: 86_400, above: true })
    case 'sweep':
      return checkSweep(`${at}.values`, sweepValues(v), each, c)
    case 'knee':
      c.number(`${at}.from`, v.kneeFrom, each)
      c.number(`${at}.to`, v.kneeTo, { ...each, optional: true })
      if ((readNumber(v.kneeTo) ?? Infinity) <= (readNumber(v.kneeFrom) ?? 0)) c.add(`${at}.to`, { key: 'order' })
      if (v.kneeBy === 'objective') checkObjective(`${at}.objective`, v.knee, c)
      return
    case 'trace':
      return c.number(`${at}.speed`, v.speed, { low: 0, high: 1000, above: true })
  }
}

function checkSweep(at: string, values: string[], each: Limits, c: Checker): void {
  if (values.length === 0) c.add(at, { key: 'required' })
  if (values.length > 64) c.add(at, { key: 'stages' })
  for (const [i, value] of values.entries()) {
    c.number(`${at}[${i}]`, value, each)
    if (values.findIndex((o) => readNumber(o) === readNumber(value)) < i) c.add(`${at}[${i}]`, { key: 'repeated' })
  }
}

export function checkObjective(at: string, o: ObjectiveDraft, c: Checker): void {
  c.number(`${at}.percentile`, o.percentile, { low: 0, high: 100, above: true })
  c.number(`${at}.below_ms`, o.belowMs, { low: 0, high: 86_400_000, above: true })
}

export function objectiveOf(o: ObjectiveDraft): Objective {
  return { metric: o.metric, percentile: readNumber(o.percentile), below_ms: readNumber(o.belowMs) ?? 0 }
}

/** The loads of the form: one, or that of each stage of a list of one's own. */
export function loadsOf(v: DraftValues): Load[] {
  return v.load === 'stages' ? ownStages(v).map(loadOf) : [loadOf(v)]
}

/** A load as the API takes it: the fields of its kind, and no others. */
function loadOf(v: DraftValues): Load {
  const n = readNumber
  const over = v.over === 'rate' ? { over: v.over } : {}
  const seats = { max_in_flight: n(v.maxInFlight), ...(v.overflow === 'queue' ? { overflow: v.overflow } : {}) }
  const pace = v.over === 'rate' ? seats : { think_time_ms: n(v.thinkMs) }
  switch (v.load) {
    case 'closed':
      return { kind: 'closed', concurrency: n(v.users), think_time_ms: n(v.thinkMs), spread_ms: n(v.spreadMs) }
    case 'rate':
      return { kind: v.arrivals, rate_per_s: n(v.rate), ...(v.arrivals === 'gamma' ? { cv: n(v.cv) } : {}), ...seats }
    case 'ramp':
      return { kind: 'ramp', ...over, from: n(v.rampFrom), to: n(v.rampTo), ramp_s: n(v.rampS), ...pace }
    case 'sweep':
      return { kind: 'sweep', ...over, values: sweepValues(v).map((x) => n(x) ?? 0), ...pace }
    case 'knee':
      return { kind: 'knee', ...over, from: n(v.kneeFrom), to: n(v.kneeTo), ...(v.kneeBy === 'objective' ? { objective: objectiveOf(v.knee) } : {}), ...pace }
    case 'trace':
      return { kind: 'trace', speed: n(v.speed), ...seats }
    default: // one user; a list of one's own is never asked, each of its stages is
      return { kind: 'single', think_time_ms: n(v.thinkMs) }
  }
}

/** "ttft_p95<500ms". */
export function objectiveWord(o: Objective): string {
  return `${o.metric}${o.percentile === undefined ? '' : `_p${o.percentile}`}<${o.below_ms}ms`
}

/** The load as a word of the command line, such as "gamma:5/s,cv=2"; docs/loads.md has the grammar. */
export function loadWord(l: Load): string {
  const option = (name: string, v: number | undefined, unit = ''): string => (v === undefined ? '' : `,${name}=${v}${unit}`)
  return stem(l) + option('cv', l.cv) + option('speed', l.speed) + option('think', l.think_time_ms, 'ms')
    + option('spread', l.spread_ms, 'ms') + option('max', l.max_in_flight) + (l.overflow ? `,overflow=${l.overflow}` : '')
}

function stem(l: Load): string {
  const per = l.over === 'rate' ? '/s' : ''
  switch (l.kind) {
    case 'closed':
      return `closed:${l.concurrency ?? 1}`
    case 'rate':
    case 'poisson':
    case 'gamma':
      return `${l.kind}:${l.rate_per_s ?? 1}/s`
    case 'ramp':
      return `ramp:${l.from ?? 1}${per}..${l.to ?? 1}${per}/${l.ramp_s ?? 1}s`
    case 'sweep':
      return `sweep:${(l.values ?? []).map((x) => `${x}${per}`).join(',')}`
    case 'knee':
      return ['knee', l.objective ? `:${objectiveWord(l.objective)}` : '', per ? ',over=rate' : '',
        l.from === undefined ? '' : `,from=${l.from}`, l.to === undefined ? '' : `,to=${l.to}`].join('')
    default:
      return l.kind
  }
}
