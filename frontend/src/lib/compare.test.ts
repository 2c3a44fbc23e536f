import { describe, expect, it } from 'vitest'
import type { Comparison, ComparisonMetric, Effect } from '../api/types'
import { aRun, withSpeed } from '../state/fixture'
import { cannotRepeat, requestOf, turnsTake } from './bench/again'
import { gainOf, half, lastLike, named, placeOf, scaleOf, sidesIn, table, tooFew, typeset, valueOf } from './compare'

const effect = (ratio: number, interval: [number, number] | null, verdict: Effect['verdict'] = 'better'): Effect =>
  ({ ratio, interval, p: 0.01, adjusted_p: 0.02, verdict, at_least: 'yes' })
const metric = (e: Effect, better: 'higher' | 'lower' = 'higher'): ComparisonMetric => ({
  key: 'ttft_ms', unit: 'ms', better,
  values: [{ mean: 100, interval: [98, 102], n: 3, effect: null }, { mean: 130, interval: null, n: 3, effect: e }],
})
const scale = (...metrics: ComparisonMetric[]): ReturnType<typeof scaleOf> => scaleOf({ metrics, min_effect_percent: 2 })

describe('the scale of a forest plot', () => {
  it('turns a metric of which less is better', () => {
    const g = gainOf({ better: 'lower' }, { ratio: 0.5, interval: [0.4, 0.8] })
    expect([g.ratio, g.low, g.high]).toEqual([2, 1.25, 2.5])
  })
  it('holds the line of no difference, the band around it and every interval', () => {
    const s = scale(metric(effect(1.3, [1.28, 1.33])), metric(effect(1.1, [1.05, 1.16]), 'lower'))
    expect(s.zero).toBeGreaterThan(0)
    expect(s.zero).toBeLessThan(1)
    expect(s.band[0]).toBeLessThan(s.zero)
    expect(s.band[1]).toBeGreaterThan(s.zero)
    for (const g of [1.28, 1.33, 1 / 1.16, 1 / 1.05]) expect(placeOf(s, g).out).toBe(0)
    expect(s.ticks.map((t) => t.percent)).toContain(0)
    expect(s.ticks.length).toBeGreaterThanOrEqual(2)
  })
  it('puts what is worse left of the line', () => {
    const s = scale(metric(effect(1.3, [1.2, 1.4]), 'lower'))
    expect(placeOf(s, gainOf({ better: 'lower' }, { ratio: 1.3, interval: null }).ratio).at).toBeLessThan(s.zero)
  })
  it('is not flattened by an interval over two runs', () => {
    const s = scale(metric(effect(1.1, [0.001, 1000])))
    expect(s.high).toBeLessThan(Math.log(1.5))
    expect(placeOf(s, 1000)).toEqual({ at: 1, out: 1 })
    expect(placeOf(s, 0.001)).toEqual({ at: 0, out: -1 })
  })
  it('shows the band where nothing differs', () => {
    const s = scale(metric(effect(1, [1, 1])))
    expect(s.band[0]).toBeGreaterThan(0)
    expect(s.band[1]).toBeLessThan(1)
  })
  it.each([[1.005], [1.02], [1.5], [3], [40], [0.02]])('has few ticks apart from one another at ratio %f', (r) => {
    const at = scale(metric(effect(r, null))).ticks.map((t) => t.at)
    expect(at.length).toBeGreaterThanOrEqual(1)
    for (let i = 1; i < at.length; i++) expect((at[i] ?? 0) - (at[i - 1] ?? 0)).toBeGreaterThanOrEqual(0.2)
  })
})

describe('names of sides', () => {
  const sides = [{ name: 'M', runs: ['a'] }, { name: 'M', runs: ['b', 'c'] }]
  const word = (k: string, v: string): string => `${k} ${v}`
  it('stay when they tell the sides apart', () => {
    expect(named({ sides: [{ name: 'M', runs: [] }, { name: 'N', runs: [] }], differs: [] }, word)).toBeNull()
  })
  it('take what differs, else a letter', () => {
    const differs: Comparison['differs'] = [{ key: 'threads', about: 'engine', values: ['4', '8'] }]
    expect(named({ sides, differs }, word)).toEqual([{ name: 'M · threads 4', runs: ['a'] }, { name: 'M · threads 8', runs: ['b', 'c'] }])
    const third = { name: 'N', runs: ['d'] }
    expect(named({ sides: [...sides, third], differs: [{ ...(differs[0] as Comparison['differs'][number]), values: ['4', '8', '4'] }] }, word)?.at(2)).toEqual(third)
    expect(named({ sides, differs: [] }, word)?.map((s) => s.name)).toEqual(['M A', 'M B'])
  })
})

describe('figures and words', () => {
  it('reads the value of one run', () => {
    const run = withSpeed(aRun(), 20, 300)
    expect(valueOf(run, 'decode_tokens_per_second')).toBe(20)
    expect(valueOf(run, 'ttft_ms')).toBe(300)
    expect(valueOf(run, 'j_per_token')).toBeNull()
    expect(valueOf(aRun(), 'ttft_ms')).toBeNull()
  })
  it('sets minus signs and percents', () => {
    expect(typeset('tiny-slow: -3.2 %, from -4 % to +1 %')).toBe('tiny-slow: \u22123.2\u00a0%, from \u22124\u00a0% to +1\u00a0%')
  })
  it('writes a table that no name can break', () => {
    expect(table(['', 'A|B'], [['x\ny', '1']])).toBe('|  | A\\|B |\n|---|---:|\n| x y | 1 |')
  })
  it('knows half an interval and too few runs', () => {
    expect(half([98, 103])).toBe(2.5)
    expect(half(null)).toBeNull()
    expect(tooFew({ metrics: [metric(effect(1, null, 'too_few'))] })).toBe(true)
    expect(tooFew({ metrics: [metric(effect(1, null))] })).toBe(false)
  })
})

describe('measuring a plan again', () => {
  const { plan } = aRun()
  it('asks for the same without the seed', () => {
    const r = requestOf({ ...plan, load: { kind: 'closed', concurrency: 4 }, stop: { requests: 8 }, use_gpu_explicit: true, use_gpu: false })
    expect(r).toMatchObject({ model_id: 'm', prompt: 'Olá, ação', load: { kind: 'closed', concurrency: 4 }, stop: { requests: 8 }, use_gpu: false, warmup: 1, max_tokens: 128 })
    for (const key of ['seed', 'gpu', 'endpoint_id', 'dataset_id', 'stages', 'rest']) expect(r).not.toHaveProperty(key)
  })
  it('takes the prompts from one place', () => {
    expect(requestOf({ ...plan, dataset_id: 'd' })).not.toHaveProperty('prompt')
    expect(requestOf({ ...plan, dataset_id: 'd', synthetic: { turns: 1 } as never })).not.toHaveProperty('dataset_id')
  })
  it('gives stages of its own, but not those that a sweep makes', () => {
    const stage = { index: 0, name: 's', load: { kind: 'single' as const }, stop: {}, depth_tokens: null, expected_requests: 1, expected_s: null, min_requests: null }
    expect(requestOf({ ...plan, stages: [stage, { ...stage, index: 1 }] }).stages).toHaveLength(2)
    expect(requestOf({ ...plan, load: { kind: 'sweep', values: [1, 2] }, stages: [stage, stage] })).not.toHaveProperty('stages')
  })
  it('knows what cannot be measured again', () => {
    expect(cannotRepeat(aRun())).toBeNull()
    expect(cannotRepeat({ ...aRun(), plan: { ...plan, prompt: null } })).toBe('text')
    expect(cannotRepeat({ ...aRun(), imported: {} })).toBe('imported')
  })
  it('adds up how long it takes', () => {
    expect(turnsTake([2, 3], 8)).toBe(40)
    expect(turnsTake([2, null], 8)).toBeNull()
  })
})

describe('sides of an address', () => {
  it('are runs that stand together, with their names', () => {
    expect(sidesIn('a,b|c', 'before|after')).toEqual([{ name: 'before', runs: ['a', 'b'] }, { name: 'after', runs: ['c'] }])
    expect(sidesIn('a|b', '')?.map((s) => s.name)).toEqual([undefined, undefined])
  })
  it('are two at least', () => {
    for (const text of ['', 'a,b', 'a|', '|']) expect(sidesIn(text, 'x|y')).toBeNull()
  })
})

describe('the run to compare with', () => {
  const at = (id: string, day: string, over: Parameters<typeof aRun>[0] = {}): ReturnType<typeof aRun> => {
    const run = withSpeed(aRun({ job_id: id, created_at: `2026-11-${day}T10:00:00Z`, ...over }), 100, 50)
    return { ...run, summary: run.summary && { ...run.summary, requests: { ...run.summary.requests, ok: 3 } } }
  }
  it('is the newest one before it of the same model and load', () => {
    const run = at('new', '22')
    const all = [at('later', '23'), run, at('old', '20'), at('last', '21'), at('other', '21', { model: 'x' }), at('load', '21', { plan: { ...run.plan, load: { kind: 'closed', concurrency: 8 } } }), at('sample', '21', { sample: true })]
    expect(lastLike(run, all)?.job_id).toBe('last')
    expect(lastLike(at('new', '19'), all)).toBeNull()
    expect(lastLike(run, [run, aRun({ job_id: 'none', created_at: '2026-11-21T10:00:00Z' })])).toBeNull()
  })
})
