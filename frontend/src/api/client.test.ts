import { afterEach, describe, expect, it, vi } from 'vitest'
import * as calls from './calls'
import { nextCursor } from './calls'
import { Problem, request } from './client'

interface Sent { url: string; init: RequestInit }

function answer(status: number, body: unknown, type = 'application/json', headers: Record<string, string> = {}): Sent[] {
  const sent: Sent[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    sent.push({ url, init })
    return new Response(status === 204 ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'Content-Type': type, ...headers } })
  })
  return sent
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

async function failure(p: Promise<unknown>): Promise<Problem> {
  const err = await p.then(() => null, (e: unknown) => e)
  expect(err).toBeInstanceOf(Problem)
  return err as Problem
}

describe('request', () => {
  it('calls a relative address with its query', async () => {
    const sent = answer(200, [])
    await calls.listRuns({ q: 'a b', limit: 5 })
    expect(sent[0]?.url).toBe('/api/v1/benchmarks?q=a+b&limit=5')
  })

  it('sends JSON text with its type and the idempotency key', async () => {
    const sent = answer(202, { job_id: 'x' })
    await calls.startRun({ model_id: 'm', prompt: 'p' }, 'k1')
    expect(sent[0]?.init).toMatchObject({ method: 'POST', body: '{"model_id":"m","prompt":"p"}' })
    expect(sent[0]?.init.headers).toMatchObject({ 'Content-Type': 'application/json', 'Idempotency-Key': 'k1' })
  })

  it('turns a problem into fields by their place', async () => {
    answer(422, { title: 'Unprocessable', status: 422, detail: 'Some values are not valid.', hint: 'Look.', errors: [
      { location: 'body.load.concurrency', message: 'must be 1 to 1024' }, { location: 'query.limit', message: 'too large' }] }, 'application/problem+json')
    const p = await failure(calls.listRuns())
    expect([p.status, p.message, p.hint]).toEqual([422, 'Some values are not valid.', 'Look.'])
    expect(p.fields).toEqual({ 'load.concurrency': 'must be 1 to 1024', limit: 'too large' })
    expect(p.details).toContain('GET /api/v1/benchmarks')
  })

  it('takes the page of the asset server for a missing route', async () => {
    answer(200, '<html></html>', 'text/html')
    expect((await failure(calls.getSystem())).status).toBe(404)
  })

  it('says so when nothing answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('refused')))
    expect((await failure(calls.getSystem())).status).toBe(0)
  })

  it('gives up after its time', async () => {
    vi.useFakeTimers()
    vi.stubGlobal('fetch', (_: string, init: RequestInit) => new Promise((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    }))
    const failed = failure(request('GET', '/health', { timeoutMs: 3000 }))
    await vi.advanceTimersByTimeAsync(3000)
    expect(await failed).toMatchObject({ status: 504, message: 'No answer in 3 s.' })
  })

  it('never sends a blob or a form', async () => {
    const sent = answer(200, {})
    await expect(request('POST', '/datasets', { json: new Blob(['x']) })).rejects.toThrow('Blob')
    await expect(request('POST', '/datasets', { json: new FormData() })).rejects.toThrow('form')
    expect(sent).toEqual([])
  })

  it('accepts an answer without a body', async () => {
    answer(204, null)
    await expect(calls.deleteRun('a/b')).resolves.toBeUndefined()
  })

  it('reads the cursor of the next page', () => {
    expect(nextCursor('</api/v1/benchmarks?cursor=abc%3D&limit=2>; rel="next"')).toBe('abc=')
    expect(nextCursor(null)).toBe('')
  })
})

describe('the window', () => {
  function bind(methods: Record<string, (...args: unknown[]) => Promise<string>>): void {
    vi.stubGlobal('go', { app: { Bridge: methods } })
  }

  it('takes commands through the bound methods and reads through fetch', async () => {
    const sent = answer(200, [])
    const got: unknown[][] = []
    bind({ EditBenchmark: async (...args) => (got.push(args), '{"status":200,"body":{"job_id":"x"}}') })
    expect((await calls.editRun('x', { pinned: true })).job_id).toBe('x')
    expect(got).toEqual([['x', '{"pinned":true}']])
    await calls.listRuns()
    expect(sent.map((s) => s.init.method)).toEqual(['GET'])
  })

  it('passes refusals on as problems', async () => {
    bind({ CancelBenchmark: async () => '{"status":409,"body":{"detail":"has ended"}}' })
    expect(await failure(calls.cancelRun('x'))).toMatchObject({ status: 409, message: 'has ended' })
  })

  it('does not wait for ever for a promise that never settles', async () => {
    vi.useFakeTimers()
    bind({ RemoveEndpoint: () => new Promise(() => undefined) })
    const failed = failure(calls.removeEndpoint('e'))
    await vi.advanceTimersByTimeAsync(30_000)
    expect((await failed).status).toBe(504)
  })
})
