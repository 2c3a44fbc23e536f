import { describe, expect, it } from 'vitest'
import type { Load, PhaseChange, RequestRecord, Run } from '../../api/types'
import { aRun } from '../../state/fixture'
import { aStage, aSweep } from '../../state/stagefixture'
import { clocksOf } from './clocks'
import { gapsOf, isReasoning, stallsOf, tokenGaps } from './gaps'
import { askedUsers, failuresOf, stageMeans, stageSpans, ttftDots } from './live'
import { axisOf, isOpen, loadShort, usersOf } from './load'
import { segments } from './progress'
import { curveOf, figuresOf, holdsUpTo, leadStage, limitOf, meeting, stagesOf } from './stages'
import { barsOf, bordersOf, extentOf, zoomed } from './waterfall'

const record = (over: Partial<RequestRecord>): RequestRecord => ({ n: 1, stage: 0, turn: 0, phase: 'measure', outcome: 'ok', sent_us: 0, due_us: null, ttft_us: null, ttfv_us: null, last_us: null, closed_us: null, ...over }) as RequestRecord

describe('loads', () => {
  it.each<[Load, number, string]>([
    [{ kind: 'single' }, 1, 'single'], [{ kind: 'closed', concurrency: 16, think_time_ms: 5 }, 1, 'closed:16'], [{ kind: 'poisson', rate_per_s: 5, max_in_flight: 9 }, 1, 'poisson:5/s'],
    [{ kind: 'sweep', values: [1, 2] }, 2, 'sweep ×2'], [{ kind: 'sweep', over: 'rate', values: [1, 2] }, 2, 'sweep /s ×2'], [{ kind: 'knee' }, 1, 'knee'],
    [{ kind: 'ramp', from: 1, to: 64, ramp_s: 30 }, 1, 'ramp:1..64/30s'], [{ kind: 'single' }, 3, 'single ×3'],
  ])('%o of %d stages is %s', (load, stages, want) => expect(loadShort(load, stages)).toBe(want))
  it('knows who decides when requests start', () => {
    expect([isOpen({ kind: 'trace' }), isOpen({ kind: 'sweep', over: 'rate' }), isOpen({ kind: 'knee' })]).toEqual([true, true, false])
    expect([usersOf({ kind: 'single' }), usersOf({ kind: 'closed', concurrency: 4 }), usersOf({ kind: 'rate' })]).toEqual([1, 4, null])
  })
  it('finds what sets stages apart', () => {
    const p = (concurrency: number, rate_per_s: number | null, depth_tokens: number | null) => ({ concurrency, rate_per_s, depth_tokens })
    expect(axisOf([p(1, null, null), p(2, null, null)])).toBe('users')
    expect(axisOf([p(0, 1, null), p(0, 2, null)])).toBe('rate')
    expect(axisOf([p(1, null, 0), p(1, null, 4096)])).toBe('depth')
    expect(axisOf([p(1, null, null), p(0, 2, null)])).toBe('name')
  })
})

describe('stages of a result', () => {
  const sweep = aSweep([aStage(0, 1, 70, 100, true), aStage(1, 8, 550, 120, true), aStage(2, 4, 290, 110, true), aStage(3, 16, 600, 900, false)], 1)
  it('stand by their load, whatever order they were measured in', () => expect(stagesOf(sweep).map((s) => s.concurrency)).toEqual([1, 4, 8, 16]))
  it('lead with what the search found, else with the best', () => {
    expect(leadStage(sweep)?.index).toBe(1)
    const searched: Run = { ...sweep, summary: sweep.summary && { ...sweep.summary, knee: { stage: 2, reason: 'objective', detail: '' } } }
    expect(leadStage(searched)?.concurrency).toBe(4)
    expect(figuresOf(sweep, 3)?.output_tokens_per_second).toBe(600)
  })
  it('hold up to the one before the first that misses', () => {
    expect(holdsUpTo(stagesOf(sweep))?.concurrency).toBe(8)
    expect(meeting(stagesOf(sweep)).map((s) => s.concurrency)).toEqual([1, 4, 8])
    expect(holdsUpTo([aStage(0, 1, 1, 1, false), aStage(1, 2, 1, 1, true)])).toBeNull()
  })
  it('make a curve of throughput and latency without the stages that lack it', () => {
    expect(curveOf(stagesOf(sweep), 'ttft_ms', 'p95').points.map((p) => [p.level, p.throughput, p.latency, p.met])).toEqual([[1, 70, 100, true], [4, 290, 110, true], [8, 550, 120, true], [16, 600, 900, false]])
    expect(curveOf(stagesOf(sweep), 'ttft_ms', 'p99').points).toEqual([])
  })
  it('find the limit for just this percentile', () => {
    const goals = [{ metric: 'ttft' as const, below_ms: 150 }, { metric: 'tpot' as const, percentile: 50, below_ms: 30 }]
    expect([limitOf(goals, 'ttft_ms', 'p95'), limitOf(goals, 'ttft_ms', 'p50'), limitOf(goals, 'tpot_ms', 'p50')]).toEqual([150, null, 30])
  })
})

describe('the bar of a run', () => {
  const mark = (phase: PhaseChange['phase'], s: number, index?: number): PhaseChange => ({ phase, t_us: s * 1e6, at: '', stage: index === undefined ? null : { index, name: `closed:${index + 1}`, load: { kind: 'closed', concurrency: index + 1 }, depth_tokens: null } })
  const running = (kind: Load['kind'], stage: object | null, phase: PhaseChange['phase'] = 'measure'): Run => {
    const run = aRun({ status: 'running' })
    const plan = { index: 0, name: '', load: { kind: 'single' as const }, stop: {}, depth_tokens: null, expected_requests: null, expected_s: 10, min_requests: null }
    return { ...run, plan: { ...run.plan, load: { kind }, phases: ['prepare', 'warmup', 'measure'], stages: kind === 'knee' ? [plan] : [plan, { ...plan, index: 1 }, { ...plan, index: 2, expected_s: 30 }] },
      progress: { phase, elapsed_s: 25, stage } as unknown as Run['progress'] }
  }
  it('is in proportion to what stages took and will take', () => {
    const list = segments(running('sweep', { index: 1, count: 3, name: 'b', done: 3, total: 12, elapsed_s: 5, left_s: 15, lateness_ms: null, dropped: 0 }), [mark('prepare', 0), mark('warmup', 4), mark('measure', 10, 0), mark('measure', 20, 1)])
    expect(list.map((s) => [s.key, s.state])).toEqual([['prepare', 'done'], ['warmup', 'done'], ['stage0', 'done'], ['stage1', 'run'], ['stage2', 'planned']])
    expect(list.map((s) => Math.round(s.weight * 70))).toEqual([4, 6, 10, 20, 30])
    expect(list[3]?.part).toBe(0.25)
  })
  it('shows that a search goes on', () => {
    const list = segments(running('knee', { index: 2, count: null, name: 'c', done: 1, total: null, elapsed_s: 5, left_s: null, lateness_ms: null, dropped: 0 }), [mark('measure', 0, 0), mark('measure', 10, 1), mark('measure', 20, 2)])
    expect(list.filter((s) => s.phase === 'measure').map((s) => [s.state, s.searching ?? false])).toEqual([['done', false], ['done', false], ['run', false], ['planned', true]])
  })
  it('is done when the run has drained', () => expect(segments(running('sweep', null, 'drain'), [mark('measure', 0, 0)]).every((s) => s.state === 'done')).toBe(true))
  it('knows spans, means and users of the stages', () => {
    const phases = [mark('warmup', 0), mark('measure', 2, 0), mark('measure', 4, 1)]
    expect(stageSpans(phases).map((s) => [s.from, s.to])).toEqual([[2, 4], [4, null]])
    expect(stageMeans([1, 3, 4, 5], [9, 10, 20, 40], stageSpans(phases))).toEqual([null, 15, 15, 40])
    expect([askedUsers(phases, 1), askedUsers(phases, 0.001), askedUsers([mark('warmup', 0)], 1)]).toEqual([2, null, null])
  })
})

describe('requests', () => {
  it('are dots from send and, when late, from due; failures are marked', () => {
    const d = ttftDots([record({ sent_us: 1e6, ttft_us: 50_000, due_us: 900_000 }), record({ sent_us: 2e6, ttft_us: 50_000, due_us: 2e6 }), record({ sent_us: 3e6, closed_us: 7000, outcome: 'error' })], 4, (s) => s[0] ?? null)
    expect([d.sent, d.due, d.failed]).toEqual([[50, 50, null], [150, null, null], [null, null, 7]])
  })
  it('fail by class', () => {
    const list = [record({ outcome: 'error', error_class: 'timeout', closed_us: 5 }), record({ outcome: 'incomplete', error_class: 'truncated', sent_us: 9e6 }), record({ outcome: 'error', error_class: 'timeout' }), record({})]
    expect(failuresOf(list).map((f) => [f.cls, f.n])).toEqual([['truncated', 1], ['timeout', 2]])
  })
  it('have gaps, per token where chunks were counted, and stalls above four medians', () => {
    const r = record({ chunk_us: [10_000, 20_000, 40_000, 140_000], chunk_tokens: [1, 1, 2, 1], ttft_us: 10_000, ttfv_us: 40_000 })
    expect(gapsOf(r)).toEqual([10, 20, 100])
    expect(tokenGaps(r)).toEqual([10, 10, 10, 100])
    expect(tokenGaps(record({ chunk_us: [1, 2] }))).toBeNull()
    expect([0, 1, 2].map((i) => isReasoning(r, i))).toEqual([true, false, false])
    expect(stallsOf([r], 20).map((s) => [s.atMs, s.gapMs, s.times])).toEqual([[40, 100, 5]])
  })
  it('are bars from due to end; a dropped arrival has none', () => {
    const bars = barsOf([record({ n: 2, sent_us: 3e6, outcome: 'dropped', due_us: 3e6 }), record({ n: 1, sent_us: 2e6, due_us: 1e6, ttft_us: 5e5, last_us: 1e6 })])
    expect(bars.map((b) => [b.n, b.start, b.sent, b.first, b.end, b.dropped])).toEqual([[1, 1, 2, 2.5, 3, false], [2, 3, 3, 3, 3, true]])
    expect(extentOf(bars)).toEqual({ from: 1, to: 3 })
    expect(bordersOf(bars)).toEqual([])
    expect(bordersOf(barsOf([record({ sent_us: 1e6 }), record({ sent_us: 2e6, stage: 1 }), record({ sent_us: 3e6, stage: 1 })]))).toEqual([{ stage: 0, at: 1 }, { stage: 1, at: 2 }])
    expect(zoomed({ from: 0, to: 8 }, { from: 0, to: 8 }, '+')).toEqual({ from: 2, to: 6 })
    expect(zoomed({ from: 2, to: 6 }, { from: 0, to: 8 }, 'ArrowRight')).toEqual({ from: 3, to: 7 })
    expect([zoomed({ from: 2, to: 6 }, { from: 0, to: 8 }, '-'), zoomed({ from: 2, to: 6 }, { from: 0, to: 8 }, 'x')]).toEqual([null, undefined])
  })
  it('stand on two clocks where the server told its own', () => {
    const c = clocksOf(record({ ttft_us: 100_000, last_us: 1_100_000, output_tokens: 11, server: { prompt_tokens: 5, prompt_ms: 80, predicted_tokens: 11, predicted_ms: 900, cached_tokens: 0 } }))
    expect([c?.decodeMs, c?.clientSpeed, c?.serverSpeed && Math.round(c.serverSpeed * 10) / 10]).toEqual([1000, 10, 11.1])
    expect(clocksOf(record({ server: null }))).toBeNull()
  })
})
