import { describe, expect, it } from 'vitest'
import type { PhaseChange, RequestRecord, RunPhaseEvent, RunProgressEvent } from '../api'
import { aSample } from './fixture'
import { LiveRun } from './live.svelte'

const at = '2026-11-22T10:00:00.000Z'
const stage = (index: number, users: number): PhaseChange['stage'] => ({ index, name: `closed:${users}`, load: { kind: 'closed', concurrency: users }, depth_tokens: null })
const progress = (inFlight: number, over: object = {}, requests: RequestRecord[] = []): RunProgressEvent => ({
  job_id: 'r1', requests, in_flight: [], text: '', text_of: null, speed: [],
  progress: { phase: 'measure', in_flight: inFlight, elapsed_s: 9, stage: { index: 0, count: 2, name: '', done: 0, total: null, elapsed_s: 3, left_s: 5, lateness_ms: null, dropped: 0, ...over } },
} as unknown as RunProgressEvent)
const begun = (users: number): LiveRun => {
  const run = new LiveRun('r1')
  run.onPhase({ job_id: 'r1', phase: 'measure', t_us: 0, at, stage: stage(0, users) } as RunPhaseEvent)
  return run
}

describe('a live run', () => {
  it('is behind when requests are missing for two seconds, not for a moment', () => {
    const run = begun(16)
    for (let i = 0; i < 7; i++) run.onProgress(progress(11))
    expect(run.behind).toBe(false)
    run.onProgress(progress(11))
    expect(run.behind).toBe(true)
    run.onProgress(progress(16))
    expect(run.behind).toBe(false)
  })
  it.each([['between two requests', 15, {}], ['while the last requests end', 3, { left_s: 0 }], ['before all users began', 3, { elapsed_s: 0.001 }], ['near its count', 3, { total: 20, done: 10 }]])('is not behind %s', (_why, inFlight, over) => {
    const run = begun(16)
    for (let i = 0; i < 20; i++) run.onProgress(progress(inFlight, over))
    expect(run.behind).toBe(false)
  })
  it('keeps a request that is told twice once', () => {
    const run = begun(1)
    const r = { n: 4 } as RequestRecord
    run.onProgress(progress(1, {}, [r]))
    run.onProgress(progress(1, {}, [r, { n: 3 } as RequestRecord]))
    expect(run.requests.map((x) => x.n)).toEqual([4, 3])
  })
  it('counts dropped arrivals with the moment of the newest', () => {
    const run = begun(1)
    run.onProgress(progress(1, { dropped: 2 }))
    expect(run.dropped).toEqual({ n: 2, at: 9 })
  })
  it('keeps out a reading of the run before', () => {
    const run = begun(1)
    const start = Date.parse(at)
    run.onSample({ ...aSample(0), timestamp: new Date(start + 100).toISOString(), t_ms: 43_000 })
    run.onSample({ ...aSample(0), timestamp: new Date(start + 200).toISOString(), t_ms: 200 })
    expect(run.samples.last).toBe(0.2)
  })
})
