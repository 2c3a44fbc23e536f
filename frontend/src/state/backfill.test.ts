import { describe, expect, it } from 'vitest'
import type { Model, RequestRecord, Sample } from '../api'
import { phasesOf } from './backfill'
import { gapsOf } from './detail.svelte'
import { quickRequest } from './quickcheck.svelte'

const sample = (phase: Sample['phase'], t_ms: number): Sample => ({ phase, t_ms, timestamp: 't' }) as Sample

describe('what is known of a run that began before the page', () => {
  it('phases begin where the samples change theirs', () => {
    const out = phasesOf([sample('idle', 0), sample('prepare', 10), sample('prepare', 20), sample('measure', 30)])
    expect(out.map((p) => [p.phase, p.t_us])).toEqual([['prepare', 10_000], ['measure', 30_000]])
  })
  it('gaps are the differences of chunk times in ms', () => {
    expect(gapsOf({ chunk_us: [1000, 3000, 3500] } as RequestRecord)).toEqual([2, 0.5])
    expect(gapsOf({} as RequestRecord)).toEqual([])
  })
})

describe('quick check', () => {
  it('sends five single requests at temperature 0, and the endpoint of a model that has one', () => {
    const local = quickRequest({ id: 'm', endpoint_id: null } as Model, 'chat-en')
    expect(local).toMatchObject({ model_id: 'm', dataset_id: 'chat-en', temperature: 0, max_tokens: 128, stop: { requests: 5 }, load: { kind: 'single' } })
    expect('endpoint_id' in local).toBe(false)
    expect(quickRequest({ id: 'm', endpoint_id: 'e' } as Model, 'chat-pt').endpoint_id).toBe('e')
  })
})
