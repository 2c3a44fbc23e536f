import { afterEach, describe, expect, it } from 'vitest'
import { locale } from '../../lib/locale.svelte'
import { quality as known, type Quality, type TaskScore } from '../../state'
import { aRun } from '../../state/fixture'
import { besideSpeed, digits, resultOf, scoreOf } from './quality'

const score: TaskScore = { right: 31, asked: 40, failed: 0, percent: 77.5, interval: [62.5, 87.68], groups: [], verdict: 'scored', broken: [] }

function aQuality(over: Partial<Quality> = {}): Quality {
  return {
    id: 'q', kind: 'tasks', model_id: 'm', model_sha256: '', endpoint_id: null, reference_model_id: null, reference_sha256: '', language: 'en', pack: 'tasks-en-1',
    engine: 'llama-server', engine_build: 'b1', status: 'completed', created_at: '2026-11-30T10:00:00Z', started_at: null, ended_at: null, error: null, progress: null,
    summary: { tasks: score, perplexity: null, divergence: null }, ...over,
  }
}

afterEach(() => {
  locale.lang = 'en'
  known.all.value = null
})

describe('a score in words', () => {
  it('comes with its interval', () => {
    expect(scoreOf(score)).toMatch(/^31 of 40 \(78\s%, 63–88 %\)$/)
    expect(besideSpeed(aQuality())).toMatch(/^Quality: 31 of 40 /)
    locale.lang = 'pt-BR'
    expect(besideSpeed(aQuality())).toMatch(/^Qualidade: 31 de 40 /)
  })
  it('is none when the template is broken or nothing came', () => {
    expect(scoreOf({ ...score, verdict: 'broken' })).toBe('Broken')
    expect(besideSpeed(aQuality({ summary: { tasks: { ...score, verdict: 'broken' }, perplexity: null, divergence: null } }))).toMatch(/looks broken/)
    expect(scoreOf({ ...score, verdict: 'nothing', percent: null, interval: null })).toBe('No answer came')
    expect(besideSpeed(null)).toBe('')
  })
  it('tells the other kinds too', () => {
    expect(resultOf(aQuality({ summary: { tasks: null, perplexity: { value: 46.154, interval: null, bits_per_byte: 1, tokens: 1, texts: 1 }, divergence: null } }))).toBe('Perplexity 46.15')
    expect(resultOf(aQuality({ summary: null }))).toBe('–')
    expect([digits(0), digits(0.0044893), digits(1.2509), digits(null)]).toEqual(['0', '0.004489', '1.251', '–'])
  })
})

describe('what is known of a model', () => {
  it('is the newest that fits', () => {
    known.all.value = [aQuality({ id: 'p', kind: 'perplexity', summary: null }), aQuality({ id: 'b', endpoint_id: 'e' }), aQuality({ id: 'c', model_sha256: 'feed' }), aQuality({ id: 'd' })]
    expect(known.of({ model: 'm', endpoint: null })?.id).toBe('c')
    expect(known.of({ model: 'm', endpoint: null, sha256: 'other' })?.id).toBe('d')
    expect(known.of({ model: 'm', endpoint: 'e' })?.id).toBe('b')
    expect(known.of({ model: 'n', endpoint: null })).toBeNull()
    expect(known.ofRun(aRun())?.id).toBe('c')
  })
  it('follows the events', () => {
    known.put(aQuality())
    expect(known.all.value).toBeNull()
    known.all.value = []
    known.put(aQuality({ status: 'running' }))
    known.put(aQuality({ id: 'r' }))
    known.put(aQuality())
    expect(known.all.value.map((q) => `${q.id} ${q.status}`)).toEqual(['r completed', 'q completed'])
  })
})
