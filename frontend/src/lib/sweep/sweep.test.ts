import { describe, expect, it } from 'vitest'
import type { BenchmarkRequest, SweepCell, SweepResult } from '../../api/types'
import { cellsOf, designOf, emptySweep, faultsOf, sweepWords, toExperiment, type SweepDraftValues } from './build'
import { valuesOf } from './settings'
import { frontLine, pickOf, scoresOf } from './weigh'

const request: BenchmarkRequest = { model_id: 'm', prompt: 'p', name: 'N', seed: 4 }
const draft = (over: Partial<SweepDraftValues>): SweepDraftValues => ({ ...emptySweep, on: true, ...over })

describe('what a sweep will measure', () => {
  it('leaves out what cannot be', () => {
    const d = draft({ axes: [{ setting: 'flash_attention', values: ['on', 'off'] }, { setting: 'cache_type_v', values: ['f16', 'q8_0'] }] })
    expect(cellsOf(d, request)).toHaveLength(3)
    expect(cellsOf(draft({ axes: [{ setting: 'cache_type', values: ['f16', 'q4_0'] }] }), { ...request, engine_options: { flash_attention: 'off' } })).toHaveLength(1)
    expect(cellsOf(draft({ axes: [{ setting: 'ubatch_size', values: ['128', '1024'] }] }), { ...request, engine_options: { batch_size: 512 } })).toHaveLength(1)
  })
  it('says what is wrong with an axis', () => {
    const fault = (axes: SweepDraftValues['axes'], r = request): unknown => faultsOf(draft({ axes }), r).axes
    expect(fault([{ setting: 'threads', values: ['1', '2'] }])).toEqual([null])
    expect(fault([{ setting: 'threads', values: [] }])).toEqual(['empty'])
    expect(fault([{ setting: 'threads', values: ['0'] }])).toEqual(['value'])
    expect(fault([{ setting: 'threads', values: ['1'] }, { setting: 'threads', values: ['2'] }])).toEqual([null, 'twice'])
    expect(fault([{ setting: 'cache_type_k', values: ['f16'] }, { setting: 'cache_type', values: ['f16'] }])).toEqual([null, 'twice'])
    expect(fault([{ setting: 'cache_type_k', values: ['f16'] }, { setting: 'cache_type_v', values: ['f16'] }])).toEqual([null, null])
    expect(fault([{ setting: 'threads', values: ['1'] }], { ...request, endpoint_id: 'e' })).toEqual(['embedded'])
    expect(fault([{ setting: 'concurrency', values: ['1'] }], { ...request, load: { kind: 'rate', rate_per_s: 1 } })).toEqual(['load'])
    expect(fault([{ setting: 'prompt_tokens', values: ['64'] }])).toEqual(['made'])
    const whole = (over: Partial<SweepDraftValues>): unknown => faultsOf(draft(over), request).whole
    expect(whole({ repeats: '11' })).toBe('repeats')
    expect(whole({ axes: [] })).toBe('empty')
    expect(whole({ axes: [{ setting: 'gpu_layers', values: Array.from({ length: 64 }, (_, i) => String(i)) }], repeats: '10' })).toBe('runs')
    expect(whole({ axes: [{ setting: 'flash_attention', values: ['on', 'off'] }], refine: true })).toBe('refine')
    expect(whole({})).toBe(null)
  })
  it('makes the same call in all words', () => {
    const d = draft({ axes: [{ setting: 'threads', values: ['1', '2'] }, { setting: 'cache_type_k', values: ['f16'] }], refine: true })
    expect(designOf(d)).toEqual({ axes: [{ setting: 'threads', values: [1, 2] }, { setting: 'cache_type_k', values: ['f16'] }], repeats: 3, refine: true })
    expect(toExperiment(d, request)).toMatchObject({ kind: 'sweep', name: 'N', seed: 4, benchmark: { model_id: 'm', prompt: 'p' } })
    expect(toExperiment(d, request).benchmark).not.toHaveProperty('seed')
    expect(sweepWords(d)).toEqual(['--vary', 'threads=1,2', '--vary', 'cache_type_k=f16', '--repeats', '3', '--refine'])
  })
})

const cell = (threads: number, speed: number | null, ram: number, front = true): SweepCell => ({
  settings: { threads }, round: 0, status: 'completed', reason: '', runs: [], ratio: null, interval: null, p: null, verdict: 'tied', front, score: null, quality: null,
  values: [{ mean: speed, interval: null, n: 1 }, { mean: ram, interval: null, n: 1 }],
})
const result = (cells: SweepCell[]): SweepResult => ({
  metric: 'decode_tokens_per_second', settings: ['threads'], cells, left_out: [], best: 0, spread_percent: null, pick: null, edges: [], sentence: '',
  metrics: [{ key: 'decode_tokens_per_second', unit: 'tok/s', better: 'higher' }, { key: 'peak_ram_gb', unit: 'GB', better: 'lower' }],
  objectives: [{ name: 'speed', key: 'decode_tokens_per_second', better: 'higher', weight: 1 }, { name: 'memory', key: 'peak_ram_gb', better: 'lower', weight: 1 }],
})

describe('how cells are weighed', () => {
  it('scores as the program does', () => {
    const r = result([cell(1, 100, 8), cell(2, 50, 4), cell(4, null, 1)])
    expect(scoresOf(r, {}).map((s) => s?.toFixed(4))).toEqual(['0.7071', '0.7071', undefined])
    expect(scoresOf(r, { speed: 3, memory: 1 })[0]).toBeCloseTo(0.5 ** 0.25, 9)
    expect(scoresOf(r, { speed: 0, memory: 0 })).toEqual([null, null, null])
    expect([pickOf(r, { speed: 3 }), pickOf(r, { memory: 3 }), pickOf(r, { speed: 0, memory: 0 })]).toEqual([0, 1, null])
    expect(pickOf(result([cell(1, 100, 8, false), cell(2, 50, 4)]), { speed: 9 })).toBe(1)
  })
  it('draws the front of two objectives', () => {
    const spots = [{ i: 0, x: 8, y: 100 }, { i: 1, x: 4, y: 50 }, { i: 2, x: 6, y: 40 }, { i: 3, x: 5, y: 90 }]
    expect(frontLine(spots, 'lower', 'higher').map((s) => s.i)).toEqual([1, 3, 0])
    expect(frontLine([], 'lower', 'higher')).toEqual([])
  })
  it('orders the values of an axis', () => {
    expect(valuesOf([cell(8, 1, 1), cell(16, 1, 1), cell(2, 1, 1)], 'threads')).toEqual(['2', '8', '16'])
    expect(valuesOf([{ settings: { flash_attention: 'on' } }, { settings: { flash_attention: 'auto' } }], 'flash_attention')).toEqual(['on', 'auto'])
  })
})
