import { emptyEngine, readEngine } from './engine'
import { describe, expect, it } from 'vitest'
import type { Load } from '../../api/types'
import { commandLine } from '../snippets'
import { costOf, stagesOf } from './cost'
import { readList, readNumber } from './fields'
import { loadsOf, loadWord } from './load'
import { faults, lengthsWord, toFlags, toRequest } from './request'
import { sketch, sketchStages } from './sketch'
import { chooseLoad, emptyDraft, freshDraft, mergeDraft, newStage, type DraftValues } from './values'

const valid: DraftValues = { ...emptyDraft, modelId: 'm' }
const body = (change: Partial<DraftValues>): unknown => JSON.parse(JSON.stringify(toRequest({ ...valid, ...change })))
const load = (change: Partial<DraftValues>): unknown => JSON.parse(JSON.stringify(loadsOf({ ...valid, ...change })[0]))
const own: Partial<DraftValues> = { load: 'stages', stages: [{ ...newStage, kind: 'single' }, { ...newStage, users: '8' }, { ...newStage, kind: 'gamma', cv: '3' }, { ...newStage, kind: 'rampRate' }] }
const slow = { metric: 'ttft', percentile: '95', belowMs: '500' } as const

describe('settings of the engine in words', () => {
  it('are read back', () => {
    const word = 'threads=2,cache_type_k=q8_0,flash_attention=on'
    expect(readEngine(word)).toEqual({ ...emptyEngine, threads: '2', cacheTypeK: 'q8_0', flashAttention: 'on' })
    expect(readEngine(`${word},luck=1`)).toEqual(readEngine(word))
    expect(readEngine('')).toEqual(emptyEngine)
  })
})

describe('faults of the form', () => {
  it('there are none once a model is chosen', () => {
    expect(faults(emptyDraft)).toEqual({ model_id: { key: 'choose' } })
    expect(faults(valid)).toEqual({})
  })
  it.each<[Partial<DraftValues>, string]>([
    [{ maxTokens: '0' }, 'max_tokens'], [{ maxTokens: '1.5' }, 'max_tokens'], [{ maxTokens: 'x' }, 'max_tokens'], [{ temperature: '2.1' }, 'temperature'],
    [{ topP: '0' }, 'top_p'], [{ load: 'closed', users: '20000' }, 'load.concurrency'], [{ requests: '0' }, 'stop.requests'], [{ durationS: '0' }, 'stop.duration_s'],
    [{ prompt: '  ' }, 'prompt'], [{ source: 'dataset' }, 'dataset_id'], [{ target: 'endpoint', endpointModel: 'x' }, 'endpoint_id'], [{ warmup: '' }, 'warmup'],
    [{ load: 'rate', rate: '0' }, 'load.rate_per_s'], [{ load: 'rate', arrivals: 'gamma', cv: '11' }, 'load.cv'], [{ load: 'ramp', rampTo: '1' }, 'load.to'],
    [{ load: 'ramp', rampFrom: '1.5' }, 'load.from'], [{ load: 'sweep', sweepUsers: [] }, 'load.values'], [{ load: 'sweep', sweepUsers: ['1', 'x'] }, 'load.values[1]'],
    [{ load: 'sweep', sweepUsers: ['4', '4'] }, 'load.values[1]'], [{ load: 'knee', kneeTo: '1' }, 'load.to'], [{ load: 'knee', knee: { ...slow, belowMs: '0' } }, 'load.objective.below_ms'],
    [{ load: 'ramp', over: 'rate', maxInFlight: 'x' }, 'load.max_in_flight'], [{ load: 'knee', thinkMs: '-1' }, 'load.think_time_ms'],
    [{ load: 'trace' }, 'dataset_id'], [{ load: 'trace', source: 'dataset', datasetId: 'd', speed: '0' }, 'load.speed'], [{ objectives: [slow, { ...slow, belowMs: '' }] }, 'slo[1].below_ms'],
    [{ source: 'synthetic', turns: '65' }, 'synthetic.turns'], [{ source: 'synthetic', input: { ...emptyDraft.input, kind: 'uniform', min: '9', max: '8' } }, 'synthetic.input_tokens.max'],
    [{ source: 'synthetic', output: { ...emptyDraft.output, kind: 'normal', mean: '0' } }, 'synthetic.output_tokens.mean'],
    [{ confidence: '51' }, 'stop.confidence_percent'], [{ confidence: '0' }, 'stop.confidence_percent'],
    [{ load: 'stages', stages: [] }, 'stages'], [{ load: 'stages', stages: [newStage, { ...newStage, kind: 'rate', rate: '0' }] }, 'stages[1].load.rate_per_s'],
    [{ load: 'stages', stages: [{ ...newStage, kind: 'rampUsers', to: '1' }] }, 'stages[0].load.to'], [{ ...own, maxInFlight: 'x' }, 'load.max_in_flight'], [{ ...own, thinkMs: '-1' }, 'load.think_time_ms'],
    [{ ...own, depths: Array.from({ length: 17 }, (_, i) => String(i)) }, 'depths'],
    [{ depths: ['-1'] }, 'depths[0]'], [{ load: 'knee', depths: ['0'] }, 'depths'], [{ load: 'sweep', sweepUsers: readList('1..64'), depths: Array.from({ length: 10 }, (_, i) => String(i)) }, 'depths'],
  ])('%o is a fault of %s', (change, field) => expect(Object.keys(faults({ ...valid, ...change }))).toEqual([field]))
  it('fields of other kinds are not looked at', () => expect(faults({ ...valid, rate: 'x', users: '', rampTo: '0', knee: { ...slow, belowMs: '' }, stages: [] })).toEqual({}))
})

describe('reading what is typed', () => {
  it('numbers as people write them', () => {
    expect([readNumber('0,7'), readNumber(' 5 '), readNumber(''), readNumber('1e3'), readNumber('.5')]).toEqual([0.7, 5, undefined, NaN, 0.5])
  })
  it('lists, and ranges as powers of two', () => {
    expect([readList('1, 2;4 8'), readList('1..64'), readList('3..20'), readList('0..4'), readList(' ')]).toEqual(
      [['1', '2', '4', '8'], ['1', '2', '4', '8', '16', '32', '64'], ['3', '6', '12'], [], []])
  })
})

describe('the load of the form', () => {
  it.each<[Partial<DraftValues>, Load, string]>([
    [{}, { kind: 'single' }, 'single'],
    [{ load: 'closed', users: '8', thinkMs: '250' }, { kind: 'closed', concurrency: 8, think_time_ms: 250 }, 'closed:8,think=250ms'],
    [{ load: 'rate' }, { kind: 'poisson', rate_per_s: 5 }, 'poisson:5/s'],
    [{ load: 'rate', arrivals: 'gamma', cv: '2,5', maxInFlight: '64' }, { kind: 'gamma', rate_per_s: 5, cv: 2.5, max_in_flight: 64 }, 'gamma:5/s,cv=2.5,max=64'],
    [{ load: 'rate', overflow: 'queue', maxInFlight: '8' }, { kind: 'poisson', rate_per_s: 5, max_in_flight: 8, overflow: 'queue' }, 'poisson:5/s,max=8,overflow=queue'],
    [{ load: 'closed', overflow: 'queue' }, { kind: 'closed', concurrency: 4 }, 'closed:4'],
    [{ load: 'ramp' }, { kind: 'ramp', from: 1, to: 16, ramp_s: 30 }, 'ramp:1..16/30s'],
    [{ load: 'ramp', over: 'rate', rampTo: '20' }, { kind: 'ramp', over: 'rate', from: 1, to: 20, ramp_s: 30 }, 'ramp:1/s..20/s/30s'],
    [{ load: 'sweep' }, { kind: 'sweep', values: [1, 2, 4, 8] }, 'sweep:1,2,4,8'],
    [{ load: 'sweep', over: 'rate' }, { kind: 'sweep', over: 'rate', values: [1, 2, 4] }, 'sweep:1/s,2/s,4/s'],
    [{ load: 'knee', kneeTo: '64' }, { kind: 'knee', from: 1, to: 64, objective: { metric: 'ttft', percentile: 95, below_ms: 500 } }, 'knee:ttft_p95<500ms,from=1,to=64'],
    [{ load: 'knee', kneeBy: 'throughput', over: 'rate' }, { kind: 'knee', over: 'rate', from: 1 }, 'knee,over=rate,from=1'],
    [{ load: 'sweep', over: 'rate', maxInFlight: '9', thinkMs: '5' }, { kind: 'sweep', over: 'rate', values: [1, 2, 4], max_in_flight: 9 }, 'sweep:1/s,2/s,4/s,max=9'],
    [{ load: 'trace', speed: '2' }, { kind: 'trace', speed: 2 }, 'trace,speed=2'],
  ])('%o', (change, wanted, word) => {
    expect(load(change)).toEqual(wanted)
    expect(loadWord(wanted)).toBe(word)
  })
})

describe('the body of the call', () => {
  it('says explicit zeros and leaves out what is empty', () => {
    const r = body({ temperature: '0', warmup: '0', useGpu: false, tags: 'a, ,b', storeText: false })
    expect(r).toMatchObject({ temperature: 0, warmup: 0, use_gpu: false, tags: ['a', 'b'], store_text: false, stop: { requests: 5 } })
    for (const absent of ['rest', 'repeat', 'seed', 'slo', 'prompt_cache', 'cooldown', 'stages', 'synthetic']) expect(r).not.toHaveProperty(absent)
    expect(body({ requests: '' })).not.toHaveProperty('stop')
  })
  it('makes one stage for each depth and each value of a sweep', () => {
    const r = body({ load: 'sweep', over: 'rate', sweepRates: ['1', '2'], depths: ['0', '4096'] })
    expect(r).not.toHaveProperty('load')
    expect(r).toMatchObject({ stages: [
      { load: { kind: 'rate', rate_per_s: 1 }, depth_tokens: 0 }, { load: { kind: 'rate', rate_per_s: 1 }, depth_tokens: 4096 },
      { load: { kind: 'rate', rate_per_s: 2 }, depth_tokens: 0 }, { load: { kind: 'rate', rate_per_s: 2 }, depth_tokens: 4096 },
    ] })
    expect(body({ depths: ['512'] })).toMatchObject({ stages: [{ load: { kind: 'single' }, depth_tokens: 512 }] })
  })
  it('sends a list of stages as it stands, at every depth', () => {
    const v = { ...valid, ...own, overflow: 'queue' as const, thinkMs: '9', users: '77', spreadMs: '5' }
    const loads = [{ kind: 'single', think_time_ms: 9 }, { kind: 'closed', concurrency: 8, think_time_ms: 9 }, { kind: 'gamma', rate_per_s: 5, cv: 3, overflow: 'queue' }, { kind: 'ramp', over: 'rate', from: 1, to: 16, ramp_s: 30, overflow: 'queue' }]
    expect(body(v)).toMatchObject({ stages: loads.map((load) => ({ load })) })
    expect(body(v)).not.toHaveProperty('load')
    expect(body({ ...v, depths: ['0', '64'] })).toMatchObject({ stages: loads.flatMap((load) => [{ load, depth_tokens: 0 }, { load, depth_tokens: 64 }]) })
    const line = commandLine(toFlags(toRequest({ ...v, depths: ['0', '64'] }), { ...v, depths: ['0', '64'] })).split(' \\\n  ')
    expect(line.filter((f) => /^--(stage|load|depth)/.test(f))).toEqual(
      ['--stage single,think=9ms', '--stage closed:8,think=9ms', '--stage gamma:5/s,cv=3,overflow=queue', '--stage ramp:1/s..16/s/30s,overflow=queue', '--depth 0,64'])
  })
  it('says how well the means are to be known, and whether a chat template is put on', () => {
    expect(body({ confidence: '2,5', template: 'without' })).toMatchObject({ stop: { requests: 5, confidence_percent: 2.5 }, raw_completion: true })
    expect(body({ template: 'with' })).toMatchObject({ raw_completion: false })
    expect(body({})).not.toHaveProperty('raw_completion')
    const words = (change: Partial<DraftValues>): string => commandLine(toFlags(toRequest({ ...valid, ...change }), { ...valid, ...change }))
    for (const flag of ['--raw \\\n', '--confidence 2']) expect(words({ confidence: '2', template: 'without' })).toContain(flag)
    expect(words({ template: 'with' })).toContain('--raw=false')
    expect(words({ load: 'sweep', sweepUsers: ['8'], depths: ['0', '64'] })).toContain('--load closed:8')
  })
  it('asks the embedded engine for settings, and an endpoint for none', () => {
    const engine = { ...emptyDraft.engine, threads: '2', gpuLayers: '0', cacheTypeK: 'q8_0' }
    expect(body({ engine })).toMatchObject({ engine_options: { threads: 2, gpu_layers: 0, cache_type_k: 'q8_0' } })
    expect(body({})).not.toHaveProperty('engine_options')
    expect(body({ engine, target: 'endpoint', endpointId: 'e', endpointModel: 'm' })).not.toHaveProperty('engine_options')
    expect(commandLine(toFlags(toRequest({ ...valid, engine }), { ...valid, engine }))).toContain('--set threads=2,gpu_layers=0,cache_type_k=q8_0')
    expect(faults({ ...valid, engine: { ...engine, threads: '0', batchSize: 'x' } })).toMatchObject({ 'engine_options.threads': { key: 'range' }, 'engine_options.batch_size': { key: 'range' } })
  })
  it('describes made prompts, objectives and the cache', () => {
    const r = body({ source: 'synthetic', input: { ...emptyDraft.input, kind: 'lognormal', max: '2048' }, sharedPrefix: '256', turns: '3', objectives: [slow], promptCache: 'on', cooldown: '2', repeat: '3', restS: '20', restBelow: '45' })
    expect(r).toMatchObject({
      synthetic: { input_tokens: { kind: 'lognormal', mean: 512, stddev: 128, max: 2048 }, shared_prefix_tokens: 256, turns: 3 }, max_tokens: 128,
      slo: [{ metric: 'ttft', percentile: 95, below_ms: 500 }], prompt_cache: 'on', cooldown: 2, repeat: 3, rest: { seconds: 20, below_c: 45 },
    })
    expect(r).not.toHaveProperty('prompt')
    const varied = body({ source: 'synthetic', output: { ...emptyDraft.output, kind: 'uniform', min: '8', max: '64' } })
    expect(varied).toMatchObject({ synthetic: { output_tokens: { kind: 'uniform', min: 8, max: 64 } } })
    expect(varied).not.toHaveProperty('max_tokens')
  })
  it('is the same on the command line', () => {
    const v: DraftValues = { ...valid, load: 'sweep', depths: ['0', '4096'], source: 'synthetic', objectives: [slow], promptCache: 'on', sharedPrefix: '64', cooldown: '4', repeat: '2', restS: '5', restBelow: '50', made: '7', tokens: '900', errors: '3' }
    const line = commandLine(toFlags(toRequest(v), v))
    for (const flag of ['--stage closed:1', '--stage closed:8', '--depth 0,4096', '--input-tokens 512', '--max-tokens 128', '--shared-prefix 64', "--slo 'ttft_p95<500ms'", '--prompt-cache on', '--cooldown 4', '--repeat 2', '--rest 5s', '--rest-below 50', '--prompts 7', '--tokens 900', '--errors 3']) expect(line).toContain(flag)
    expect(line).not.toContain('--load')
    expect(commandLine(toFlags(toRequest(valid), valid))).toContain('--load single')
    expect([lengthsWord({ kind: 'uniform', min: 1, max: 9 }), lengthsWord({ kind: 'normal', mean: 512, stddev: 64 }), lengthsWord(undefined)]).toEqual(['uniform:1..9', 'normal:512,64', undefined])
  })
})

describe('what a benchmark takes', () => {
  const request = (change: Partial<DraftValues>) => toRequest({ ...valid, ...change })
  const past = (users: number) => (users <= 2 ? [{ ttftMs: 100, decode: 128 }] : [])
  it('counts the stages of a sweep and the requests that the clock lets in', () => {
    expect(costOf(request({ load: 'sweep', over: 'rate', requests: '', durationS: '20', warmup: '0' }), null, () => [])).toMatchObject(
      { stages: 3, more: false, requests: 140, time: { lowS: 60, midS: 60, highS: 60 }, from: 0 })
  })
  it('takes the defaults of the program where nothing limits', () => {
    expect(stagesOf(request({ load: 'closed', users: '8', requests: '' }), null)).toMatchObject([{ users: 8, requests: 8, clockS: null }])
    expect(stagesOf(request({ load: 'closed', users: '8', requests: '' }), 12)).toMatchObject([{ users: 8, requests: 12, clockS: null }])
    expect(stagesOf(request({ load: 'sweep', sweepUsers: ['2', '8'], requests: '' }), null).map((s) => s.requests)).toEqual([8, 16])
    expect(stagesOf(request({ load: 'rate', requests: '' }), null)).toMatchObject([{ users: null, requests: 150, clockS: 30 }])
    expect(stagesOf(request({ load: 'ramp', over: 'rate', rampTo: '3', requests: '' }), null)).toMatchObject([{ users: null, requests: 60, clockS: 30 }])
    expect(stagesOf(request({ load: 'trace', requests: '' }), 40)).toMatchObject([{ users: null, requests: 40, clockS: null }])
  })
  it('knows the time from past runs at the same users only', () => {
    const known = costOf(request({ load: 'closed', users: '2', requests: '4', warmup: '0' }), null, past)
    expect(known.time?.midS).toBeCloseTo(2.2)
    expect(known.from).toBe(1)
    expect(costOf(request({ load: 'sweep', requests: '8', durationS: '' }), null, past).time).toBeNull()
    expect(costOf(request({ load: 'closed', users: '2', requests: '', durationS: '5', warmup: '0', repeat: '3', restS: '10' }), null, past).time?.midS).toBe(35)
    expect(costOf(request({ load: 'closed', users: '2', requests: '4', repeat: '3' }), null, past).requests).toBe(12)
    expect(costOf(request({ load: 'closed', users: '2', requests: '', durationS: '5', warmup: '0' }), null, past)).toMatchObject({ requests: null, time: { midS: 5 } })
  })
  it('says which numbers are means, and which the most', () => {
    const of = (change: Partial<DraftValues>) => costOf(request({ warmup: '0', ...change }), null, past)
    expect(of({ load: 'rate', requests: '', durationS: '20' })).toMatchObject({ requests: 100, random: true, most: false })
    expect(of({ load: 'rate', requests: '', durationS: '20', arrivals: 'rate' }).random).toBe(false)
    expect(of({ load: 'rate', requests: '50', durationS: '' })).toMatchObject({ requests: 50, random: false })
    expect(of({ ...own, requests: '', durationS: '20' })).toMatchObject({ stages: 4, requests: null, random: true })
    expect(of({ requests: '', confidence: '2' })).toMatchObject({ requests: 10_000, most: true })
    expect(of({ requests: '30', confidence: '2' })).toMatchObject({ requests: 30, most: true })
  })
  it('a search says that stages follow, and the context counts depth and lengths', () => {
    expect(costOf(request({ load: 'knee', requests: '' }), null, past)).toMatchObject({ stages: 1, more: true })
    expect(costOf(request({ depths: ['0', '4096'] }), null, past).context).toBe(4096 + 512 + 128)
    expect(costOf(request({ source: 'synthetic', input: { ...emptyDraft.input, kind: 'normal' } }), null, past).context).toBe(512 + 256 + 128)
  })
})

describe('the drawing of a load', () => {
  it('puts even arrivals at even distances, and bursts close together', () => {
    const gaps = (l: Load): number[] => sketch(l).ticks.slice(1).map((at, i) => at - (sketch(l).ticks[i] ?? 0))
    const spread = (g: number[]): number => Math.max(...g) / (g.reduce((a, b) => a + b, 0) / g.length)
    expect(spread(gaps({ kind: 'rate', rate_per_s: 4 }))).toBeCloseTo(1)
    expect(sketch({ kind: 'rate', rate_per_s: 4 }).spanS).toBe(7)
    expect(spread(gaps({ kind: 'gamma', rate_per_s: 4, cv: 3 }))).toBeGreaterThan(spread(gaps({ kind: 'poisson', rate_per_s: 4 })))
  })
  it('is the same each time and stays inside', () => {
    for (const l of [{ kind: 'gamma', rate_per_s: 1, cv: 2 }, { kind: 'ramp', over: 'rate', from: 1, to: 9, ramp_s: 10 }] as Load[]) {
      expect(sketch(l)).toEqual(sketch(l))
      expect(sketch(l).ticks.every((x) => x >= 0 && x <= 1)).toBe(true)
    }
  })
  it('draws a lane a user up to five, and a bar a stage', () => {
    expect(sketch({ kind: 'closed', concurrency: 64 })).toMatchObject({ hidden: 59, lanes: { length: 5 } })
    expect(sketch({ kind: 'sweep', values: [1, 4] }).bars.map((b) => [b.value, b.y])).toEqual([[1, 0.25], [4, 1]])
    expect(sketch({ kind: 'knee', from: 2, to: 8 }).bars.map((b) => b.value)).toEqual([2, 4, 8, 6, 5])
  })
  it('draws unlike stages each against the highest of its kind', () => {
    const { bars } = sketchStages(loadsOf({ ...valid, ...own }))
    expect(bars.map((b) => [b.value, b.first, b.y, b.rate])).toEqual([[1, 0.125, 0.125, false], [8, 1, 1, false], [5, 0.3125, 0.3125, true], [16, 0.0625, 1, true]])
  })
  it('rising arrivals come closer together', () => {
    const { ticks } = sketch({ kind: 'ramp', over: 'rate', from: 1, to: 20, ramp_s: 10 })
    expect((ticks[1] ?? 0) - (ticks[0] ?? 0)).toBeGreaterThan(2 * ((ticks[20] ?? 0) - (ticks[19] ?? 0)))
  })
  it('a trace needs its times', () => {
    expect(sketch({ kind: 'trace', speed: 2 }, [0, 500, 2000])).toMatchObject({ ticks: [0, 0.25, 1], spanS: 1 })
    expect(sketch({ kind: 'trace' })).toMatchObject({ ticks: [], spanS: null })
  })
})

describe('a remembered form', () => {
  it('keeps what still fits and drops what does not', () => {
    const kept = mergeDraft({ users: '9', load: 'sweep', sweepUsers: ['1', 2], objectives: [slow], depths: 'x', input: { kind: 'fixed' }, stages: [{ ...newStage, users: 9 }], gone: 1 } as never)
    expect(kept).toEqual({ ...emptyDraft, users: '9', load: 'sweep', objectives: [slow] })
  })
  it('takes the limits that suit a kind of load until somebody changes them', () => {
    const v = freshDraft()
    chooseLoad(v, 'rate')
    expect([v.requests, v.durationS]).toEqual(['', '30'])
    v.durationS = '7'
    chooseLoad(v, 'sweep')
    expect([v.requests, v.durationS]).toEqual(['', '7'])
    expect(mergeDraft({ stages: own.stages } as never).stages).toEqual(own.stages)
  })
})
