import { afterEach, describe, expect, it } from 'vitest'
import { locale } from '../../lib/locale.svelte'
import type { Alert, Trend, TrendChange } from '../../state'
import { alertNote, alertSentence, countsText, levelOf, loadWords, pointWords, stepSentence } from './words'

afterEach(() => {
  locale.lang = 'en'
})

const change: TrendChange = {
  job_id: 'r3', at: '2025-11-12T10:00:00Z', before: 38.1, after: 41, percent: 7.6, percent_interval: [7.1, 8.2], p: 0.0004, direction: 'better', build_before: 'b10434', build_after: 'b11434',
  differs: [{ key: 'engine_build', about: 'engine', values: ['b10434', 'b11434'] }],
}
const tr: Trend = {
  id: 's', model: 'm', engine: 'llama-server', load: 'single', machine: '', metric: 'decode_tokens_per_second', unit: 'tok/s', better: 'higher',
  points: [38.1, 38.1, 38.1, 41].map((value, i) => ({ job_id: `r${i}`, at: '2025-11-12T10:00:00Z', value, build: i < 3 ? 'b10434' : '' })),
  levels: [{ first_job_id: 'r0', last_job_id: 'r2', n: 3, mean: 38.1, interval: null }, { first_job_id: 'r3', last_job_id: 'r3', n: 1, mean: 41, interval: null }], changes: [change],
}
const alert: Alert = {
  id: 'a', kind: 'run', created_at: '2025-11-12T10:00:00Z', series_id: 's', model: 'm', engine: '', load: '', metric: 'ttft_ms', unit: 'ms', verdict: 'worse', before: 100, after: 125, percent: 25,
  percent_interval: null, expected: [90, 111], p: 0.0001, runs_before: 8, runs_after: 1, since_job_id: 'x', job_id: 'x', differs: [{ key: 'gpu_driver', about: 'machine', values: ['570.86', '580.95'] }], experiment_id: null, acknowledged_at: null,
}

describe('a change in words', () => {
  it('names both levels, the size with its interval, and the builds', () => {
    expect(stepSentence(tr, change)).toMatch(/^From 38\.1 to 41\.0\stok\/s \(\+7\.6\s%; 95 % interval \+7\.1\s% to \+8\.2\s%\) with the run of 12 Nov 2025, \d\d:\d\d, when the engine went from b10434 to b11434\.$/)
  })
  it('names the one thing that changed, and no single one of several', () => {
    const driver = alert.differs
    expect(stepSentence(tr, { ...change, differs: driver })).toContain('when this changed: GPU driver 570.86 → 580.95.')
    expect(stepSentence(tr, { ...change, percent_interval: null, differs: [...driver, { key: 'kernel', about: 'machine', values: ['6.1', '6.2'] }] })).toMatch(/\(\+7\.6\s%\) with the run of [^.]*\.$/)
  })
  it('says how sure it is, and over how many runs', () => expect(countsText(tr, 0)).toBe('p < 0.001, 3 runs before and 1 after'))
  it('knows the level of a point', () => expect([0, 2, 3].map((i) => levelOf(tr, i))).toEqual([0, 0, 1]))
  it('reads a point out', () => {
    expect(pointWords(tr, 0)).toMatch(/^Run 1 of 4: 38\.1\stok\/s, 12 Nov 2025, \d\d:\d\d, b10434$/)
    expect(pointWords(tr, 3)).toMatch(/\d\d:\d\d$/)
    expect(pointWords(tr, 9)).toBe('')
  })
  it('reads a load', () => expect(['single', 'closed:4', 'poisson:5'].map(loadWords)).toEqual(['one user', '4 users', 'poisson:5']))
})

describe('an alert in words', () => {
  it('tells of one run with what was expected and what changed', () => {
    expect(alertSentence(alert)).toMatch(/^Time to first token of m: one run at 125\sms instead of 100 \(\+25\s%\), .*Expected after 8 runs: 90\.0 to 111\sms\.$/)
    expect(alertNote(alert)).toBe('Changed with it: GPU driver 570.86 → 580.95. p < 0.001')
  })
  it('tells of a level in Portuguese', () => {
    locale.lang = 'pt-BR'
    expect(alertSentence({ ...alert, kind: 'level', percent_interval: [20, 30], runs_after: 4 })).toMatch(/: \+25\s% desde .*\. De 100 para 125\sms; intervalo de 95 % de \+20\s% a \+30\s%, 4 execuções contra 8\.$/)
  })
  it('tells the verdict on a build', () => {
    const built: Alert = { ...alert, kind: 'build', verdict: 'equivalent', percent: 0.3, runs_after: 8, differs: [{ key: 'engine_build', about: 'engine', values: ['b1', 'b2'] }], p: null }
    expect(alertSentence(built)).toMatch(/^m: build b2 against b1, 8 pairs in turns\. Time to first token: same within ± 2 %, \+0\.3\s%\.$/)
    expect(alertNote(built)).toBe('')
  })
})
