import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parse, subscribe, type Connection } from './live'
import type { LiveEvent } from './types'

class FakeSource extends EventTarget {
  static readonly CLOSED = 2
  static all: FakeSource[] = []
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    FakeSource.all.push(this)
  }
  close(): void {
    this.readyState = 2
  }
  fail(): void {
    this.readyState = 2
    this.onerror?.()
  }
}

const envelope = { id: 'a-1', kind: 'log', at: '2026-01-01T00:00:00Z', data: { message: 'x' } }

beforeEach(() => {
  FakeSource.all = []
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', FakeSource)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('subscribe', () => {
  it('reads named events and reopens with a reset after the browser gave up', () => {
    const events: LiveEvent[] = []
    const states: Connection[] = []
    const stop = subscribe({ event: (e) => events.push(e), connection: (c) => states.push(c) })
    const [first] = FakeSource.all
    first?.onopen?.()
    first?.dispatchEvent(new MessageEvent('log', { data: JSON.stringify(envelope), lastEventId: 'a-1' }))
    first?.fail()
    vi.advanceTimersByTime(500)
    FakeSource.all[1]?.onopen?.()
    expect(events.map((e) => e.kind)).toEqual(['log', 'reset'])
    expect(states).toEqual(['connecting', 'open', 'lost', 'connecting', 'open'])
    expect(first?.url).toBe('/api/v1/events')
    stop()
    FakeSource.all[1]?.fail()
    vi.advanceTimersByTime(60_000)
    expect(FakeSource.all).toHaveLength(2)
  })

  it('takes batches of the window', () => {
    const events: LiveEvent[] = []
    let push: (data: unknown) => void = () => undefined
    const off = vi.fn()
    vi.stubGlobal('runtime', { EventsOn: (_: string, f: (data: unknown) => void) => ((push = f), off) })
    const stop = subscribe({ event: (e) => events.push(e) })
    push([envelope, { ...envelope, id: 'a-2' }])
    push(envelope)
    expect(events).toHaveLength(3)
    expect(FakeSource.all).toHaveLength(0)
    stop()
    expect(off).toHaveBeenCalledOnce()
  })
})

describe('parse', () => {
  it.each<[unknown]>([['{broken'], [{ kind: 'strange', data: 1 }], [null], [{ kind: 'log' }]])(
    '%o is no event', (raw) => expect(parse(raw)).toBeNull())
  it('accepts a bare payload under the name of the event', () => {
    expect(parse('{"message":"x"}', 'log', 'e-9')).toMatchObject({ id: 'e-9', kind: 'log', data: { message: 'x' } })
  })
})
