import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aRun, aSample } from './fixture'
import { live } from './live.svelte'
import { Resource } from './resource.svelte'
import { runs } from './runs.svelte'
import { telemetry } from './telemetry.svelte'

beforeEach(() => {
  runs.items = []
  runs.total = 0
  runs.loaded = false
  live.run = null
  telemetry.hour.clear()
  telemetry.reset()
  vi.useFakeTimers()
})
afterEach(() => {
  vi.runOnlyPendingTimers()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('live events', () => {
  const at = '2026-11-22T10:00:00Z'
  const progress = {
    phase: 'measure' as const, phase_elapsed_s: 1, fraction: 0.5, done: 1, total: 2, in_flight: 1, errors: 0, elapsed_s: 2, left_s: 2, note: '',
    tokens_per_second: 10, ttft_ms: 5, tpot_ms: 1, output_tokens: 10, stage: null,
  }

  it('keep the list of runs current', () => {
    live.on({ id: 'e-1', kind: 'run.created', at, data: aRun({ status: 'queued' }) })
    live.on({ id: 'e-2', kind: 'run.phase', at, data: { job_id: 'r1', phase: 'prepare', t_us: 0, at, stage: null } })
    expect(runs.running?.job_id).toBe('r1')
    live.on({ id: 'e-3', kind: 'run.progress', at, data: { job_id: 'r1', progress, requests: null, in_flight: null, text: 'Hel', text_of: 0, speed: [{ t_ms: 250, tokens_per_second: 9, itl_p50_ms: null, itl_p99_ms: null }] } })
    live.on({ id: 'e-4', kind: 'run.progress', at, data: { job_id: 'r1', progress, requests: null, in_flight: null, text: 'lo', text_of: 0, speed: null } })
    expect(live.run?.text).toBe('Hello')
    expect(live.run?.speed.rows()).toEqual([[0.25], [9], [null], [null]])
    live.on({ id: 'e-5', kind: 'run.finished', at, data: aRun({ status: 'completed' }) })
    expect([runs.running, runs.finished.length, runs.total]).toEqual([null, 1, 1])
  })

  it('begin a new text with another request', () => {
    const say = (text_of: number | null, text: string): void =>
      live.on({ id: '', kind: 'run.progress', at, data: { job_id: 'r1', progress, requests: null, in_flight: null, text, text_of, speed: null } })
    say(0, 'one')
    say(1, 'two')
    say(null, '')
    expect([live.run?.text, live.run?.textOf]).toEqual(['two', 1])
  })

  it('fill the machine charts always and the charts of the run during one', () => {
    live.on({ id: '', kind: 'telemetry', at, data: { job_id: '', samples: [aSample(100), aSample(101)] } })
    live.on({ id: '', kind: 'telemetry', at, data: { job_id: 'r1', samples: [aSample(102, { cpu_usage_percent: 90 })] } })
    expect([telemetry.hour.length, live.run?.samples.length, telemetry.latest?.cpu_usage_percent]).toEqual([3, 1, 90])
    expect(telemetry.extent('cpu_usage_percent')).toMatchObject({ min: 10, max: 90, n: 3 })
    expect(telemetry.extent('power_w')).toMatchObject({ now: null, min: null })
  })

  it('do not hide the hour before the page was opened, whichever comes first', async () => {
    let answer: (r: Response) => void = () => undefined
    vi.stubGlobal('fetch', () => new Promise<Response>((r) => { answer = r }))
    const loaded = telemetry.load()
    live.on({ id: '', kind: 'telemetry', at, data: { job_id: '', samples: [aSample(5000), aSample(5001, { cpu_usage_percent: 77 })] } })
    expect(telemetry.latest?.cpu_usage_percent).toBe(77)
    answer(Response.json([aSample(4998), aSample(4999), aSample(5000)]))
    await loaded
    expect(telemetry.hour.rows(['cpu_usage_percent'])[0]).toEqual([4998, 4999, 5000, 5001])
    expect(telemetry.latest?.cpu_usage_percent).toBe(77)
    vi.stubGlobal('fetch', () => Promise.reject(new Error('gone')))
    await telemetry.load().catch(() => undefined)
    telemetry.add(aSample(5002))
    expect(telemetry.hour.length).toBe(5)
  })

  it('ask for at most four repaints a second', () => {
    const before = live.tick
    for (let i = 0; i < 40; i++) {
      live.on({ id: '', kind: 'telemetry', at, data: { job_id: '', samples: null } })
      vi.advanceTimersByTime(25)
    }
    expect(live.tick - before).toBeLessThanOrEqual(4)
    expect(live.tick - before).toBeGreaterThanOrEqual(3)
  })
})

describe('quiet mode', () => {
  it('paints nothing while a run measures, keeps the readings, and shows them after', () => {
    runs.put(aRun({ job_id: 'quiet', status: 'running' }))
    const at = new Date().toISOString()
    const phase = (p: 'warmup' | 'measure' | 'drain', t_us: number): void => live.on({ id: '', kind: 'run.phase', at, data: { job_id: 'quiet', phase: p, t_us, at, stage: null } })
    live.setQuiet(true)
    phase('warmup', 0)
    vi.advanceTimersByTime(300)
    expect(live.still).toBe(false)
    phase('measure', 1000)
    vi.advanceTimersByTime(300)
    expect(live.still).toBe(true)
    const [tick, shown] = [live.tick, telemetry.latest]
    const soon = Date.now() / 1000 + 100
    live.on({ id: '', kind: 'telemetry', at, data: { job_id: '', samples: [aSample(soon), aSample(soon + 1)] } })
    vi.advanceTimersByTime(1000)
    expect([live.tick, telemetry.latest]).toEqual([tick, shown])
    expect(telemetry.hour.last).toBe(soon + 1)
    phase('drain', 2000)
    vi.advanceTimersByTime(300)
    expect(live.still).toBe(false)
    expect(live.tick).toBeGreaterThan(tick)
    live.setQuiet(false)
  })
})

describe('deleting runs', () => {
  it('takes them back on undo', async () => {
    const calls: string[] = []
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      calls.push(`${init.method} ${url}`)
      return init.method === 'GET' ? Response.json([aRun()]) : new Response(null, { status: 204 })
    })
    runs.put(aRun())
    const undo = await runs.delete(['r1', 'unknown'])
    expect(runs.items).toEqual([])
    await undo()
    expect(runs.items).toHaveLength(1)
    expect(calls).toEqual(['DELETE /api/v1/benchmarks/r1', 'DELETE /api/v1/benchmarks/r1?restore=true', 'GET /api/v1/benchmarks?limit=200'])
  })
})

describe('resource', () => {
  it('drops an older answer and keeps the value on failure', async () => {
    const answers: ((v: string) => void)[] = []
    const r = new Resource<string>(() => new Promise((resolve) => answers.push(resolve)))
    const first = r.load()
    const second = r.load()
    answers[1]?.('new')
    answers[0]?.('old')
    await Promise.all([first, second])
    expect([r.value, r.loading]).toEqual(['new', false])
  })
  it('keeps the value and says what went wrong', async () => {
    let fail = false
    const r = new Resource<number>(async () => {
      if (fail) throw new Error('gone')
      return 1
    })
    await r.load()
    fail = true
    await r.load()
    expect([r.value, r.problem?.message]).toEqual([1, 'gone'])
  })
})
