import { BASE } from './client'
import type { LiveEvent, LiveKind } from './types'

const kinds: LiveKind[] = [
  'run.created', 'run.phase', 'run.progress', 'run.finished', 'telemetry', 'download.progress', 'bandwidth.progress', 'quality.changed', 'alert', 'log', 'reset',
]

export type Connection = 'connecting' | 'open' | 'lost'

export interface LiveHandlers {
  event(e: LiveEvent): void
  /** Called on every change of the connection; after "open" following "lost" the past may be missing. */
  connection?(c: Connection): void
}

interface WailsRuntime {
  EventsOn(name: string, callback: (data: unknown) => void): () => void
}

interface RuntimeWindow {
  runtime?: Partial<WailsRuntime>
}

/** Follows the live events until the returned function is called. */
export function subscribe(h: LiveHandlers): () => void {
  const runtime = (globalThis as unknown as RuntimeWindow).runtime
  if (runtime && typeof runtime.EventsOn === 'function') return viaWindow(runtime as WailsRuntime, h)
  return viaEventSource(h)
}

function viaWindow(runtime: WailsRuntime, h: LiveHandlers): () => void {
  h.connection?.('open')
  return runtime.EventsOn('live', (data) => {
    for (const one of Array.isArray(data) ? data : [data]) {
      const e = parse(one)
      if (e) h.event(e)
    }
  })
}

/**
 * A browser resumes an EventSource by itself with Last-Event-ID; only when it gives up (the server
 * refused or was away for long) a new one is opened, with growing pauses. That one knows no last id,
 * so it begins with a reset: whoever listens reads anew.
 */
function viaEventSource(h: LiveHandlers): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let pause = 500
  let reopened = false
  let closed = false

  const onMessage = (m: MessageEvent<string>): void => {
    const e = parse(m.data, m.type as LiveKind, m.lastEventId)
    if (e) h.event(e)
  }
  const open = (): void => {
    h.connection?.('connecting')
    source = new EventSource(`${BASE}/events`)
    source.onopen = () => {
      pause = 500
      if (reopened) h.event({ id: '', kind: 'reset', at: new Date().toISOString(), data: null })
      reopened = false
      h.connection?.('open')
    }
    source.onerror = () => {
      h.connection?.('lost')
      if (source?.readyState !== EventSource.CLOSED || closed) return
      reopened = true
      timer = setTimeout(open, pause)
      pause = Math.min(pause * 2, 10_000)
    }
    for (const k of kinds) source.addEventListener(k, onMessage as EventListener)
  }
  open()
  return () => {
    closed = true
    clearTimeout(timer)
    source?.close()
  }
}

/**
 * Reads one event. The data of a server-sent event is the whole envelope or, when the sender leaves
 * kind and id to the protocol, the payload alone.
 */
export function parse(raw: unknown, kind?: LiveKind, id = ''): LiveEvent | null {
  let value: unknown = raw
  if (typeof raw === 'string') {
    try {
      value = JSON.parse(raw)
    } catch {
      return null
    }
  }
  if (isEnvelope(value)) return value
  if (!kind || !kinds.includes(kind)) return null
  return { id, kind, at: new Date().toISOString(), data: value } as LiveEvent
}

function isEnvelope(v: unknown): v is LiveEvent {
  if (typeof v !== 'object' || v === null) return false
  const o = v as { kind?: unknown; data?: unknown }
  return typeof o.kind === 'string' && kinds.includes(o.kind as LiveKind) && 'data' in o
}
