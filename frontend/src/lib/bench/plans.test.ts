import { describe, expect, it } from 'vitest'
import type { BenchmarkRequest } from '../../api/types'
import { engineDraft, engineOptions } from './engine'
import { capacityRequest, mostTuneRuns, personaDraft, personaFault, tuneRequest, valuesOf, whole } from './plans'

const b: BenchmarkRequest = { model_id: 'm', prompt: 'p', max_tokens: 8, seed: 3, name: 'N', tags: ['t'], load: { kind: 'single' }, stop: { requests: 2 }, warmup: 1, use_gpu: true }

describe('tuning', () => {
  it('asks for the settings that are chosen, with the values that were typed', () => {
    const r = tuneRequest(b, { settings: { threads: '1, 2', flash_attention: '', cache_type_k: 'q8_0' }, candidates: '8', pairs: '' })
    expect(r).toEqual({
      kind: 'tune', name: 'N', benchmark: { model_id: 'm', prompt: 'p', max_tokens: 8, load: { kind: 'single' }, stop: { requests: 2 }, warmup: 1, use_gpu: true },
      tune: { settings: ['threads', 'flash_attention', 'cache_type_k'], values: { threads: [1, 2], cache_type_k: ['q8_0'] }, candidates: 8, pairs: undefined },
    })
    expect(tuneRequest(b, { settings: { threads: '' }, candidates: '', pairs: '' }).tune).not.toHaveProperty('values')
  })
  it('knows what is no value', () => {
    expect([valuesOf('threads', '1 x'), valuesOf('threads', '0'), valuesOf('gpu_layers', '0;8'), valuesOf('flash_attention', 'on')]).toEqual([null, null, [0, 8], ['on']])
    expect([whole('3', 2, 4), whole('5', 2, 4), whole('2.5', 2, 4), whole('', 2, 4)]).toEqual([3, null, null, null])
  })
  it('says how many runs there are at most, as the program does', () => {
    expect([mostTuneRuns(16, 8), mostTuneRuns(4, 8), mostTuneRuns(2, 6)]).toEqual([64, 24, 14])
  })
  it('puts the settings that won into the form and out again', () => {
    const won = { threads: 2, flash_attention: 'on' as const, cache_type_k: 'q8_0' as const, gpu_layers: 0 }
    expect(engineOptions(engineDraft(won))).toEqual({ engine_options: won })
  })
})

describe('capacity', () => {
  const chat = personaDraft({ key: 'chat', share_percent: 95, objectives: [{ metric: 'ttft', below_ms: 1000 }] }, true)
  const voice = { ...chat, key: 'voice' as const, on: false }
  it('gives the load and, where wanted, the prompts by itself', () => {
    const d = { personas: [chat, voice], own: false, maxUsers: '16', repeats: '', thinkMs: '0' }
    expect(capacityRequest(b, d)).toEqual({
      kind: 'capacity', name: 'N', benchmark: { model_id: 'm', use_gpu: true },
      capacity: { personas: [{ key: 'chat', share_percent: 95, objectives: [{ metric: 'ttft', below_ms: 1000 }] }], max_users: 16, repeats: undefined, think_time_ms: 0 },
    })
    expect(capacityRequest(b, { ...d, own: true }).benchmark).toMatchObject({ prompt: 'p', max_tokens: 8 })
  })
  it('finds limits that are none', () => {
    expect([personaFault(chat), personaFault({ ...chat, share: '20' }), personaFault({ ...chat, limits: [{ metric: 'ttft', belowMs: '' }] })]).toEqual([false, true, true])
  })
})
