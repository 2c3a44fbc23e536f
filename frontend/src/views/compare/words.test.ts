import { afterEach, describe, expect, it } from 'vitest'
import { locale } from '../../lib/locale.svelte'
import type { Comparison, Effect } from '../../state'
import { apartText, basis, effectTip, factName, factValue, figureOf, markdown, oddText, plusMinus, shortMetric, tone, valueTip, verdictWord, whyOf } from './words'

afterEach(() => {
  locale.lang = 'en'
})

const effect: Effect = { ratio: 0.81, interval: [0.79, 0.83], p: 0.0004, adjusted_p: 0.0016, verdict: 'better', at_least: 'yes' }
const c: Comparison = {
  paired: false, baseline: 0, min_effect_percent: 2, sentence: 'B|1 is faster than A: +23.5 %, from +20.5 % to +26.6 %.',
  sides: [{ name: 'A', runs: ['a', 'b', 'c'] }, { name: 'B|1', runs: ['d', 'e', 'f', 'g'] }],
  metrics: [{ key: 'ttft_ms', unit: 'ms', better: 'lower', values: [{ mean: 322, interval: [315, 329], n: 3, effect: null }, { mean: 262, interval: [262, 262.2], n: 4, effect }] }],
  load: '', judged: ['ttft_ms'], main: 'ttft_ms', loads: [], why: [], odd: [], apart_s: null,
  differs: [{ key: 'engine_options.flash_attention', about: 'settings', values: ['', 'on'] }],
  warnings: [{ code: 'not_interleaved', level: 'caution', message: 'These runs were not measured in turns: whatever changed in between is in the difference too.' }],
}

describe('the words of a comparison', () => {
  it('puts an interval in the decimals of its mean, or more where it would be 0', () => {
    const [a, b] = c.metrics[0]?.values ?? []
    expect(a && plusMinus('ms', a)).toBe('±\u00a07')
    expect(b && plusMinus('ms', b)).toBe('±\u00a00.1')
    expect(plusMinus('ms', { mean: 3, interval: null, n: 1, effect: null })).toBe('')
  })
  it('says n with every interval', () => {
    expect(valueTip('ms', { mean: 322, interval: [315, 329], n: 3, effect: null })).toBe('95 % interval 315 to 329\u00a0ms, n = 3 runs')
    expect(valueTip('ms', { mean: 322, interval: null, n: 1, effect: null })).toContain('n = 1')
    expect(valueTip('ms', { mean: null, interval: null, n: 0, effect: null })).toBe('No run of this side has this figure')
  })
  it('tells what is behind a verdict', () => {
    expect(effectTip(c, 1, effect).split('\n')).toEqual([
      'B|1 against A: −19\u00a0%', '95 % interval −21\u00a0% to −17\u00a0%', 'p < 0.001; with all judged figures, p = 0.002', 'Better by at least 2 %: yes'])
    expect(effectTip(c, 1, { ...effect, verdict: 'untested', p: null, adjusted_p: null, interval: null })).toContain('its interval alone')
  })
  it('tells the measured cause in the letters of the sides', () => {
    const why = (more: Partial<Comparison>): string => whyOf({ ...c, ...more })
    const cause = { sides: [1], key: '', values: null, value: null, baseline: null, unit: '', text: '' }
    expect(whyOf(c)).toBe('')
    expect(why({ why: [{ ...cause, kind: 'setting', key: 'engine_options.threads', values: ['', '2'] }, { ...cause, kind: 'limit', key: 'memory_bandwidth', sides: [0, 1] }] }))
      .toBe('B: threads 2 instead of the default. Both are limited by memory bandwidth.')
    expect(why({ why: [{ ...cause, kind: 'bytes', value: 4.8, baseline: 8.31 }, { ...cause, kind: 'limit', key: 'thermal' }] })).toBe('B reads 4.80\u00a0GB a token instead of 8.31. B is limited by heat.')
    locale.lang = 'pt-BR'
    expect(why({ why: [{ ...cause, kind: 'unknown' }] })).toBe('Nenhuma leitura mostra o que limitou estas execuções.')
  })
  it('tells how far apart runs were measured, and which stand apart', () => {
    expect([60, 2 * 3600, 47 * 3600].map((s) => apartText({ apart_s: s }))).toEqual(['', 'Measured 2 hours apart.', 'Measured 2 days apart.'])
    expect(oddText(c, { metric: 'ttft_ms', side: 1, place: 2, job_id: 'f', percent: -31.2 })).toBe('Run 3 of B stands apart: its Time to first token is −31\u00a0% off the middle of the others.')
  })
  it('colours nothing but what is better or worse', () => {
    expect(['better', 'worse', 'equivalent', 'no_difference', 'too_few', 'untested'].map((v) => tone({ ...effect, verdict: v as Effect['verdict'] }))).toEqual(['ok', 'err', 'mut', 'mut', 'mut', 'mut'])
    expect(verdictWord({ ...effect, verdict: 'equivalent' }, 2.5)).toBe('same within ± 2.5 %')
  })
  it('says over how many runs it is', () => {
    expect(basis(c)).toContain('runs: 3 / 4.')
    expect(basis({ ...c, paired: true })).toMatch(/over 3 pairs of runs/)
  })
  it('names conditions and their values in the language', () => {
    expect(factName('engine_options.flash_attention')).toBe('flash attention')
    expect([factValue({ key: 'x' }, ''), factValue({ key: 'x' }, 'true'), factValue({ key: 'x' }, 'varies'), factValue({ key: 'model_sha256' }, 'a'.repeat(64))]).toEqual(['–', 'Yes', 'varies', 'a'.repeat(12)])
    locale.lang = 'pt-BR'
    expect(factValue({ key: 'gpu_driver' }, '570.86')).toBe('570.86')
    expect([factValue({ key: 'temperature' }, '0.7'), figureOf('ms', 40.8).value]).toEqual(['0,7', '40,8'])
  })
  it('tells two figures of one name apart', () => {
    const p95 = { key: 'ttft_p95_ms', unit: 'ms', better: 'lower' as const, values: [] }
    expect(shortMetric(c, { key: 'ttft_ms', unit: 'ms' })).toBe('Time to first token')
    expect(shortMetric({ ...c, metrics: [...c.metrics, p95] }, p95)).toBe('Time to first token, p95, ms')
  })
  it('is copied as one table a part, whatever the names hold', () => {
    expect(markdown(c).split('\n')).toEqual([
      '**B|1 is faster than A: +23.5\u00a0%, from +20.5\u00a0% to +26.6\u00a0%.**', '', '95 % interval over runs: 3 / 4. Each run is one value, never its requests.',
      '- These runs were not measured in turns: whatever changed in between is in the difference too.', '',
      '| Figure | A (n = 3) | B\\|1 (n = 4) | B\\|1 / A |', '|---|---:|---:|---:|',
      '| Time to first token, median, ms | 322 ±\u00a07 | 262 ±\u00a00.1 | −19\u00a0% (−21\u00a0% … −17\u00a0%), better |', '',
      '| What differs | A | B\\|1 |', '|---|---:|---:|', '| flash attention | – | on |', '',
    ])
    locale.lang = 'pt-BR'
    expect(markdown(c)).toMatch(/^\*\*B\|1 é mais rápido que A: \+23,5\u00a0%, de \+20,5\u00a0% a \+26,6\u00a0%\.\*\*/)
  })
})
