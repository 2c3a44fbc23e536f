import type { ProblemBody } from './types'

/** The prefix of every route. */
export const BASE = '/api/v1'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface RequestOptions {
  query?: Record<string, string | number | boolean | string[] | undefined>
  json?: unknown
  /** A text body with its own media type; never a Blob, which crashes the window's web view. */
  text?: { body: string; type: string }
  /** A file as bytes, for a browser. */
  bytes?: ArrayBuffer
  headers?: Record<string, string>
  timeoutMs?: number
  signal?: AbortSignal
  /**
   * The window's bound method for this call and its arguments. Commands name one; without a window,
   * and for reads, fetch is used.
   */
  bound?: [method: string, ...args: (string | boolean)[]]
}

export interface Reply<T> {
  body: T
  status: number
  headers: Headers
}

/** A failed call: a problem+json answer, a timeout, or no answer at all. */
export class Problem extends Error {
  readonly status: number
  readonly title: string
  readonly hint: string
  readonly fields: Record<string, string>
  readonly method: string
  readonly path: string

  constructor(status: number, body: ProblemBody, method: string, path: string) {
    super(body.detail || body.title || `HTTP ${status}`)
    this.name = 'Problem'
    this.status = status
    this.title = body.title ?? ''
    this.hint = body.hint ?? ''
    this.method = method
    this.path = path
    this.fields = {}
    for (const e of body.errors ?? []) this.fields[fieldName(e.location)] ??= e.message
  }

  /** What went wrong and what helps, as a person reads it. */
  get advice(): string {
    return [this.message, this.hint].filter(Boolean).join(' ')
  }

  /** The facts to paste into a report; holds no body and no secret. */
  get details(): string {
    const fields = Object.entries(this.fields).map(([k, v]) => `  ${k}: ${v}`)
    return [`${this.method} ${this.path}`, `${this.status || '–'} ${this.title}`.trim(), this.message, this.hint, ...fields]
      .filter(Boolean)
      .join('\n')
  }
}

/** "body.load.concurrency" → "load.concurrency"; "query.limit" → "limit". */
function fieldName(location: string): string {
  return location.replace(/^(body|query|path|header)\./, '')
}

/** A bound method; it answers with the JSON text of {status, body}. */
type BoundMethod = (...args: (string | boolean)[]) => Promise<string>

interface WailsWindow {
  go?: { app?: { Bridge?: Record<string, unknown> } }
}

function boundMethod(name: string): BoundMethod | null {
  const method = (globalThis as unknown as WailsWindow).go?.app?.Bridge?.[name]
  return typeof method === 'function' ? (method as BoundMethod) : null
}

function url(path: string, query: RequestOptions['query']): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(query ?? {})) {
    if (v === undefined) continue
    for (const one of Array.isArray(v) ? v : [v]) q.append(k, String(one))
  }
  const text = q.toString()
  return BASE + path + (text ? `?${text}` : '')
}

/**
 * One call of the contract. Throws Problem on any answer that is not 2xx, on a timeout (status 504)
 * and when nothing answers (status 0).
 */
export async function request<T>(method: Method, path: string, o: RequestOptions = {}): Promise<Reply<T>> {
  if (typeof Blob !== 'undefined' && o.json instanceof Blob) throw new TypeError('a Blob cannot be sent')
  if (typeof FormData !== 'undefined' && o.json instanceof FormData) throw new TypeError('form data cannot be sent')
  const full = url(path, o.query)
  const call = o.bound ? boundMethod(o.bound[0]) : null
  if (call && o.bound) return viaBridge<T>(() => call(...(o.bound?.slice(1) ?? [])), method, full, o)
  return viaFetch<T>(method, full, o)
}

async function viaBridge<T>(call: () => Promise<string>, method: Method, full: string, o: RequestOptions): Promise<Reply<T>> {
  const timeoutMs = o.timeoutMs ?? 30_000
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeout(method, full, timeoutMs)), timeoutMs)
  })
  try {
    const raw = await Promise.race([call(), late])
    const answer = JSON.parse(raw) as { status: number; body: unknown }
    if (answer.status >= 400) throw new Problem(answer.status, (answer.body ?? {}) as ProblemBody, method, full)
    return { body: answer.body as T, status: answer.status, headers: new Headers() }
  } catch (err) {
    if (err instanceof Problem) throw err
    throw new Problem(0, { title: 'No answer', detail: err instanceof Error ? err.message : String(err) }, method, full)
  } finally {
    clearTimeout(timer)
  }
}

async function viaFetch<T>(method: Method, full: string, o: RequestOptions): Promise<Reply<T>> {
  const timeoutMs = o.timeoutMs ?? 30_000
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(timeout(method, full, timeoutMs)), timeoutMs)
  const onAbort = (): void => stop.abort(o.signal?.reason)
  o.signal?.addEventListener('abort', onAbort)
  try {
    const headers: Record<string, string> = { Accept: 'application/json', ...o.headers }
    if (o.json !== undefined) headers['Content-Type'] = 'application/json'
    if (o.text) headers['Content-Type'] = o.text.type
    if (o.bytes) headers['Content-Type'] = 'application/octet-stream'
    const body = o.bytes ?? (o.text ? o.text.body : o.json !== undefined ? JSON.stringify(o.json) : undefined)
    const res = await fetch(full, { method, headers, body, signal: stop.signal })
    return await read<T>(res, method, full)
  } catch (err) {
    if (err instanceof Problem) throw err
    if (o.signal?.aborted) throw err
    throw new Problem(0, { title: 'No answer', detail: 'Inferometer does not answer.' }, method, full)
  } finally {
    clearTimeout(timer)
    o.signal?.removeEventListener('abort', onAbort)
  }
}

async function read<T>(res: Response, method: Method, full: string): Promise<Reply<T>> {
  const type = res.headers.get('Content-Type') ?? ''
  const text = await res.text()
  const json: unknown = type.includes('json') && text ? JSON.parse(text) : undefined
  if (!res.ok) {
    const body = (json ?? { detail: res.statusText || `HTTP ${res.status}` }) as ProblemBody
    throw new Problem(res.status, body, method, full)
  }
  // The window's asset server answers an unknown path with its own HTML page and status 200.
  if (json === undefined && text && type.includes('html')) {
    throw new Problem(404, { title: 'Not found', detail: 'This route does not exist.' }, method, full)
  }
  return { body: (json ?? text) as T, status: res.status, headers: res.headers }
}

function timeout(method: string, path: string, ms: number): Problem {
  const detail = `No answer in ${Math.round(ms / 1000)} s.`
  return new Problem(504, { title: 'Timed out', detail }, method, path)
}

/** Makes any thrown value a Problem, for screens that show one. */
export function asProblem(err: unknown): Problem {
  if (err instanceof Problem) return err
  return new Problem(0, { detail: err instanceof Error ? err.message : String(err) }, '', '')
}
