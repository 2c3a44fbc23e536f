import { describe, expect, it } from 'vitest'
import type { PhaseChange, RequestRecord, Run } from '../../api/types'
import { aLimit } from '../../state/stagefixture'
import { eventsOf, toneOf, type Known, type RunEvent } from './events'
import { extentsOf } from './extents'
import { around, clusters, numbersOf } from './lane'
import { ReasonLog } from './reasons'

const phase = (name: PhaseChange['phase'], s: number, stage: number | null = null): PhaseChange =>
  ({ phase: name, t_us: s * 1e6, at: '', stage: stage === null ? null : { index: stage, name: `closed:${stage + 1}`, load: { kind: 'closed' }, depth_tokens: null } })
const known = (over: Partial<Known> = {}): Known => ({ phases: [], several: true, seen: [], requests: [], ...over })
const kinds = (k: Known): unknown[] => eventsOf(k).map((e) => [e.n, e.kind, e.from])

describe('the events of a run', () => {
  it('are numbered by time: phases, stages and what was seen', () => {
    const seen: RunEvent[] = [{ kind: 'throttle', id: 'power_cap', from: 6, to: 9 }]
    expect(kinds(known({ phases: [phase('prepare', 0), phase('measure', 2, 0), phase('measure', 8, 1), phase('stop', 9)], seen }))).toEqual([[1, 'phase', 0], [2, 'stage', 2], [3, 'throttle', 6], [4, 'stage', 8]])
  })
  it('begin with the cautions of the run, whose numbers its sentence repeats', () => {
    const run = { warnings: [{ code: 'a', level: 'info', message: 'A.' }, { code: 'b', level: 'caution', message: 'B.' }, { code: 'c', level: 'invalid', message: 'C.' }], validity: null, bottleneck: null } as unknown as Run
    const all = eventsOf(known({ phases: [phase('measure', 1, 0)], run }))
    expect(all.map((e) => [e.n, e.kind, e.text ?? '', toneOf(e)])).toEqual([[1, 'warning', 'B.', 'warn'], [2, 'warning', 'C.', 'err'], [3, 'stage', '', 'mut']])
  })
  it('name the program that took the processor instead of somebody', () => {
    const seen: RunEvent[] = [{ kind: 'cpu_shared', from: 4, to: 9, value: 40 }, { kind: 'cpu_shared', from: 20, to: 25, value: 30 }]
    const interference = [{ pid: 7, process: 'stress', cpu_percent: 180, from_us: 5e6, to_us: 8e6 }]
    const run = { warnings: [], validity: { verdict: 'caution', checks: [], interference }, bottleneck: null } as unknown as Run
    expect(eventsOf(known({ seen, run })).map((e) => [e.kind, e.id ?? '', e.from])).toEqual([['interference', 'stress', 5], ['cpu_shared', '', 20]])
  })
  it('tell failures by class at the first of them, drops and lateness', () => {
    const r = (n: number, s: number): RequestRecord => ({ n, outcome: 'error', error_class: 'timeout', sent_us: s * 1e6, closed_us: 0 }) as RequestRecord
    const all = eventsOf(known({ requests: [r(1, 9), r(2, 5)], dropped: { n: 3, at: 7 }, behind: [{ from: 1, to: 2, before: null, low: null, high: null, sum: 0 }] }))
    expect(all.map((e) => [e.kind, e.from, e.to, e.value ?? null])).toEqual([['behind', 1, 2, null], ['failures', 5, null, 2], ['dropped', 7, null, 3]])
  })
  it('take a limit with its time from the verdict only where no reading tells of it', () => {
    const bottleneck = aLimit({ evidence: [{ about: 'thermal', claim: 'The clock fell.', value: 1, limit: 2, unit: 'MHz', from_us: 3e6, to_us: null }, { about: 'cpu', claim: 'No time.', value: 1, limit: 2, unit: '%', from_us: null, to_us: null }] })
    const run = { warnings: [], validity: null, bottleneck }
    expect(kinds(known({ run }))).toEqual([[1, 'limit', 3]])
    expect(kinds(known({ run, seen: [{ kind: 'clock', from: 3, to: 4 }] }))).toEqual([[1, 'clock', 3]])
  })
})

describe('a lane', () => {
  const marks = [1, 2, 20, 80, 120, null].map((from, i) => ({ from, n: i + 1 }))
  it.each([
    ['apart where there is room', 0, 100, 10_000, [[0.01, [1]], [0.02, [2]], [0.2, [3]], [0.8, [4]]]],
    ['together where there is none', 0, 100, 500, [[0.01, [1, 2]], [0.2, [3]], [0.8, [4]]]],
    ['only what is in sight', 10, 90, 500, [[0.125, [3]], [0.875, [4]]]],
    ['nothing without width', 0, 100, 0, []],
    ['nothing without time', 5, 5, 500, []],
  ])('has its marks %s', (_what, from, to, width, want) => {
    expect(clusters(marks, from, to, width, 18).map((c) => [c.x, c.marks.map((m) => m.n)])).toEqual(want)
  })
  it.each([[[3], '3'], [[3, 4, 5], '3–5'], [[1, 4, 5], '1 +2']])('writes %j as %s', (ns, want) => {
    expect(numbersOf(ns)).toBe(want)
  })
  it.each([
    ['a moment with its surroundings', 50, 50, [40, 60]],
    ['a long one with room', 20, 70, [15, 75]],
    ['the end without what comes after', 99, 99, [80, 100]],
    ['nothing nearer where it is nearly all', 0, 90, null],
  ])('zooms to %s', (_what, from, to, want) => {
    expect(around(from, to, [0, 100])).toEqual(want)
  })
  it('shows at least two seconds, and at most twenty around a moment', () => {
    expect([around(2, 2, [0, 4]), around(500, 500, [0, 1000])]).toEqual([[1, 3], [490, 510]])
  })
})

describe('what limited a GPU', () => {
  it('is told in shares of the known time', () => {
    const log = new ReasonLog(900)
    for (let t = 0; t <= 10; t++) log.push(t, t < 4 ? ['idle'] : t < 6 ? ['power_cap', 'sw_thermal'] : [])
    expect(log.shares(900)).toEqual([{ reason: 'idle', seconds: 4, share: 0.4 }, { reason: '', seconds: 4, share: 0.4 }, { reason: 'power_cap', seconds: 2, share: 0.2 }, { reason: 'sw_thermal', seconds: 2, share: 0.2 }])
    expect(log.held(0)).toEqual([{ from: 4, to: 6 }])
    expect(log.held(7)).toEqual([])
    expect(log.shares(5)).toEqual([{ reason: '', seconds: 4, share: 0.8 }, { reason: 'power_cap', seconds: 1, share: 0.2 }, { reason: 'sw_thermal', seconds: 1, share: 0.2 }])
  })
  it('does not count the time of readings that are missing, nor what is too old', () => {
    const log = new ReasonLog(60)
    for (const t of [0, 1, 2]) log.push(t, ['idle'])
    log.push(3, null)
    for (const t of [40, 41]) log.push(t, ['power_cap'])
    expect(log.shares(900)).toEqual([{ reason: 'idle', seconds: 3, share: 0.75 }, { reason: 'power_cap', seconds: 1, share: 0.25 }])
    for (const t of [100, 101]) log.push(t, [])
    expect(log.shares(900)).toEqual([{ reason: 'power_cap', seconds: 1, share: 0.5 }, { reason: '', seconds: 1, share: 0.5 }])
    expect(new ReasonLog(9).shares(9)).toEqual([])
  })
})

describe('the extents of a series', () => {
  it.each([
    ['all of it', -Infinity, Infinity, { min: 1, avg: 3, max: 5, last: 3, n: 3 }],
    ['the visible range', 2, 3, { min: 5, avg: 5, max: 5, last: 5, n: 1 }],
    ['nothing', 9, 10, { min: null, avg: null, max: null, last: null, n: 0 }],
  ])('are those of %s', (_what, from, to, want) => {
    expect(extentsOf([1, 2, 3, 4], [1, null, 5, 3], from, to)).toEqual(want)
  })
  it('leave out what does not count', () => {
    expect(extentsOf([1, 2, 3], [1, 2, 9], 0, 9, (i) => i < 2)).toEqual({ min: 1, avg: 1.5, max: 2, last: 2, n: 2 })
  })
})
