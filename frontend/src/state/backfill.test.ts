import { describe, expect, it, vi } from 'vitest'
import type { Model, RequestRecord } from '../api'
import { backfill } from './backfill'
import { gapsOf } from '../lib/run/gaps'
import { aSample } from './fixture'
import { LiveRun } from './live.svelte'
import { quickRequest } from './quickcheck.svelte'

describe('what is known of a run that began before the page', () => {
  it('is read from the routes of the run, and what came live since then is kept', async () => {
    const bodies: Record<string, unknown> = {
      metrics: [{ ...aSample(0), t_ms: 0 }, { ...aSample(1), t_ms: 1000 }], phases: [{ phase: 'prepare', t_us: 5, at: 't' }, { phase: 'warmup', t_us: 9, at: 't' }], requests: [{ n: 0 }, { n: 1 }],
    }
    vi.stubGlobal('fetch', async (url: string) => new Response(JSON.stringify(bodies[/\/r1\/(\w+)/.exec(url)?.[1] ?? '']), { headers: { 'Content-Type': 'application/json' } }))
    const record = new LiveRun('r1')
    record.onPhase({ job_id: 'r1', phase: 'measure', t_us: 20, at: 't', stage: null })
    record.take([{ n: 1 } as RequestRecord])
    await backfill(record)
    vi.unstubAllGlobals()
    expect(record.phases.map((p) => p.phase)).toEqual(['prepare', 'warmup', 'measure'])
    expect(record.requests.map((r) => r.n)).toEqual([0, 1])
    expect(record.samples.length).toBe(2)
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
