import { request, type RequestOptions } from './client'
import type * as T from './types'

export * from './upkeep'
export * from './comparisons'
export * from './quality'

/** Every operation of the contract that the screens use, typed, one line each. */

const id = encodeURIComponent

export interface RunQuery {
  status?: string;
  model?: string;
  engine?: string;
  task?: string;
  dataset?: string;
  tag?: string;
  q?: string;
  start?: string;
  end?: string;
  trash?: boolean;
  limit?: number;
  cursor?: string;
}

export interface RunPage {
  items: T.Run[];
  total: number;
  /** The cursor of the next page; empty on the last one. */
  next: string;
}

export async function listRuns(query: RunQuery = {}): Promise<RunPage> {
  const { body, headers } = await request<T.Run[] | null>('GET', '/benchmarks', { query: { ...query } })
  const items = body ?? []
  const total = Number(headers.get('X-Total-Count') ?? items.length)
  return { items, total, next: nextCursor(headers.get('Link')) }
}

/** Reads the cursor out of a Link header with rel="next". */
export function nextCursor(link: string | null): string {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  return target ? (new URL(target, 'http://x').searchParams.get('cursor') ?? '') : ''
}

export const getRun = async (job: string): Promise<T.Run> => (await request<T.Run>('GET', `/benchmarks/${id(job)}`)).body

export async function startRun(json: T.BenchmarkRequest, key: string): Promise<T.Run> {
  const o: RequestOptions = { json, headers: { 'Idempotency-Key': key }, bound: ['StartBenchmark', JSON.stringify(json), key] }
  return (await request<T.Run>('POST', '/benchmarks', o)).body
}

export const cancelRun = async (job: string): Promise<T.Run> =>
  (await request<T.Run>('POST', `/benchmarks/${id(job)}/cancel`, { bound: ['CancelBenchmark', job] })).body

export const rerunRun = async (job: string): Promise<T.Run> =>
  (await request<T.Run>('POST', `/benchmarks/${id(job)}/rerun`, { bound: ['RerunBenchmark', job] })).body

export const editRun = async (job: string, json: T.RunPatch): Promise<T.Run> =>
  (await request<T.Run>('PATCH', `/benchmarks/${id(job)}`, { json, bound: ['EditBenchmark', job, JSON.stringify(json)] })).body

export async function deleteRun(job: string): Promise<void> {
  await request('DELETE', `/benchmarks/${id(job)}`, { bound: ['DeleteBenchmark', job, false] })
}

export async function restoreRun(job: string): Promise<void> {
  await request('DELETE', `/benchmarks/${id(job)}`, { query: { restore: true }, bound: ['DeleteBenchmark', job, true] })
}

/** Deletes a run of the trash for good. */
export async function eraseRun(job: string): Promise<void> {
  await request('DELETE', `/trash/${id(job)}`, { bound: ['EraseBenchmark', job] })
}

export async function emptyTrash(): Promise<void> {
  await request('DELETE', '/trash', { bound: ['EmptyTrash'] })
}

export interface MetricsQuery {
  every?: string;
  points?: number;
  series?: string;
  start_us?: number;
  end_us?: number;
  /** What a stretch becomes when there are more samples than points; its extremes unless said. */
  of?: 'extremes' | 'means';
}

export const runMetrics = async (job: string, query: MetricsQuery = {}): Promise<T.Sample[]> =>
  (await request<T.Sample[] | null>('GET', `/benchmarks/${id(job)}/metrics`, { query: { ...query } })).body ?? []

export const runPhases = async (job: string): Promise<T.PhaseChange[]> =>
  (await request<T.PhaseChange[] | null>('GET', `/benchmarks/${id(job)}/phases`)).body ?? []

export interface RequestPage {
  items: T.RequestRecord[]
  total: number
  /** The cursor of the next page; empty on the last one. */
  next: string
}

export async function runRequests(job: string, query: { limit?: number; cursor?: string } = {}): Promise<RequestPage> {
  const path = `/benchmarks/${id(job)}/requests`
  const { body, headers } = await request<T.RequestRecord[] | null>('GET', path, { query: { ...query } })
  const items = body ?? []
  return { items, total: Number(headers.get('X-Total-Count') ?? items.length), next: nextCursor(headers.get('Link')) }
}

export const runRequest = async (job: string, n: number): Promise<T.RequestRecord> =>
  (await request<T.RequestRecord>('GET', `/benchmarks/${id(job)}/requests/${n}`)).body

/** The run's figures as other tools define them. */
export const runLenses = async (job: string): Promise<T.Lens[]> =>
  (await request<{ lenses: T.Lens[] | null }>('GET', `/benchmarks/${id(job)}/report`)).body.lenses ?? []

export interface AverageQuery {
  start?: string;
  end?: string;
  model?: string;
  engine?: string;
  dataset?: string;
  tag?: string;
  sample?: 'only' | 'exclude';
}

export const averages = async (query: AverageQuery = {}): Promise<T.Averages> =>
  (await request<T.Averages>('GET', '/results/average', { query: { ...query } })).body

/** Finds runs by words of their texts; the newest come first. */
export const search = async (q: string, limit: number): Promise<T.Search> =>
  (await request<T.Search>('GET', '/search', { query: { q, limit } })).body

export const listViews = async (): Promise<T.SavedView[]> => (await request<T.SavedView[] | null>('GET', '/views')).body ?? []

export const addView = async (json: T.ViewInput): Promise<T.SavedView> =>
  (await request<T.SavedView>('POST', '/views', { json, bound: ['AddView', JSON.stringify(json)] })).body

export const editView = async (view: string, json: T.ViewInput): Promise<T.SavedView> =>
  (await request<T.SavedView>('PATCH', `/views/${id(view)}`, { json, bound: ['EditView', view, JSON.stringify(json)] })).body

export async function removeView(view: string): Promise<void> {
  await request('DELETE', `/views/${id(view)}`, { bound: ['RemoveView', view] })
}

/** Makes a new token; the old one, and every login by it, ends at once. */
export async function rotateToken(): Promise<void> {
  await request('POST', '/token/rotate', { bound: ['RotateToken'] })
}

export const listModels = async (installed = true): Promise<T.Model[]> =>
  (await request<T.Model[] | null>('GET', '/models', { query: installed ? {} : { installed: false } })).body ?? []

/** What a prediction is asked for; what is left out stays as it is. */
export interface WhatIf { model_id?: string; context_tokens?: number; quantization?: string; bandwidth_gbs?: number }

/** How fast models would write here: one, or all of them. */
export const predictions = async (asked: WhatIf = {}): Promise<T.Predictions> =>
  (await request<T.Predictions>('GET', '/predictions', { query: { ...asked } })).body

export const addModel = async (path: string): Promise<T.Model> =>
  (await request<T.Model>('POST', '/models', { json: { path }, bound: ['AddModel', JSON.stringify({ path })], timeoutMs: 120_000 })).body

export async function removeModel(model: string): Promise<void> {
  await request('DELETE', `/models/${id(model)}`, { bound: ['RemoveModel', model] })
}

export const downloadModel = async (model: string): Promise<T.Download> =>
  (await request<T.Download>('POST', `/models/${id(model)}/download`, { bound: ['DownloadModel', model] })).body

export async function cancelDownload(model: string): Promise<void> {
  await request('POST', `/models/${id(model)}/download/cancel`, { bound: ['CancelDownload', model] })
}

export const listEndpoints = async (): Promise<T.Endpoint[]> =>
  (await request<T.Endpoint[] | null>('GET', '/endpoints')).body ?? []

export const addEndpoint = async (json: T.EndpointInput): Promise<T.Endpoint> =>
  (await request<T.Endpoint>('POST', '/endpoints', { json, bound: ['AddEndpoint', JSON.stringify(json)] })).body

export const editEndpoint = async (endpoint: string, json: T.EndpointInput): Promise<T.Endpoint> =>
  (await request<T.Endpoint>('PATCH', `/endpoints/${id(endpoint)}`, { json, bound: ['EditEndpoint', endpoint, JSON.stringify(json)] })).body

export async function removeEndpoint(endpoint: string): Promise<void> {
  await request('DELETE', `/endpoints/${id(endpoint)}`, { bound: ['RemoveEndpoint', endpoint] })
}

/** Finds out what an endpoint can do; unless generate is false that takes a few short generations. */
export async function checkEndpoint(endpoint: string, json: T.EndpointCheckInput = {}): Promise<T.EndpointCheck> {
  const o: RequestOptions = { json, timeoutMs: 180_000, bound: ['CheckEndpoint', endpoint, JSON.stringify(json)] }
  return (await request<T.EndpointCheck>('POST', `/endpoints/${id(endpoint)}/check`, o)).body
}

/** Servers at the usual ports of this machine. */
export const discover = async (): Promise<T.Discovered[]> =>
  (await request<T.Discovered[] | null>('GET', '/discovery')).body ?? []

export const listEngines = async (): Promise<T.Engine[]> => (await request<T.Engine[] | null>('GET', '/engines')).body ?? []

/** The log's newest lines; the route may answer with lines or an object that holds them. */
export async function engineLog(engine: string): Promise<string[]> {
  const { body } = await request<string[] | { lines: string[] | null } | null>('GET', `/engines/${id(engine)}/log`)
  return (Array.isArray(body) ? body : body?.lines) ?? []
}

export const listDatasets = async (): Promise<T.Dataset[]> =>
  (await request<T.Dataset[] | null>('GET', '/datasets')).body ?? []

export const getDataset = async (dataset: string): Promise<T.DatasetDetail> =>
  (await request<T.DatasetDetail>('GET', `/datasets/${id(dataset)}`)).body

/** A file of prompts as text. A preview stores nothing; skipBad leaves out the lines that cannot be taken. */
export interface Upload {
  name: string
  format: T.DatasetFormat
  body: string
  preview?: boolean
  skipBad?: boolean
}

/** The media type by the shape of the text: a table, one JSON value, or one a line. */
function mediaType(u: Upload): string {
  if (u.format === 'csv') return 'text/csv'
  return u.format === 'json' || u.body.trimStart().startsWith('[') ? 'application/json' : 'application/x-ndjson'
}

export async function addDataset(u: Upload): Promise<T.DatasetImport> {
  const query = { name: u.name || undefined, format: u.format, preview: u.preview || undefined, skip_bad: u.skipBad || undefined }
  const type = mediaType(u)
  const words = new URLSearchParams(Object.entries(query).flatMap(([k, v]) => (v === undefined ? [] : [[k, String(v)]]))).toString()
  const o: RequestOptions = { query, text: { body: u.body, type }, timeoutMs: 120_000, bound: ['AddDataset', words, type, u.body] }
  return (await request<T.DatasetImport>('POST', '/datasets', o)).body
}

export async function removeDataset(dataset: string): Promise<void> {
  await request('DELETE', `/datasets/${id(dataset)}`, { bound: ['RemoveDataset', dataset] })
}

export const getSystem = async (): Promise<T.System> => (await request<T.System>('GET', '/system')).body

/** The newest samples; last is a duration such as "15m". */
export const systemTelemetry = async (last?: string): Promise<T.Sample[]> =>
  (await request<T.Sample[] | null>('GET', '/system/telemetry', { query: { last } })).body ?? []

export const preflight = async (): Promise<T.Preflight> => (await request<T.Preflight>('GET', '/system/preflight')).body
export const doctor = async (): Promise<T.DoctorReport> => (await request<T.DoctorReport>('GET', '/system/doctor')).body
export const health = async (): Promise<T.Health> => (await request<T.Health>('GET', '/health')).body
export const getSettings = async (): Promise<T.Settings> => (await request<T.Settings>('GET', '/settings')).body

export const editSettings = async (json: T.SettingsPatch): Promise<T.Settings> =>
  (await request<T.Settings>('PATCH', '/settings', { json, bound: ['EditSettings', JSON.stringify(json)] })).body

/** The paths of the contract with their methods and one-line summaries. */
export interface OpenAPI {
  paths?: Record<string, Record<string, { summary?: string; operationId?: string }>>;
}

export const openapi = async (): Promise<OpenAPI> => (await request<OpenAPI>('GET', '/openapi.json')).body

/** A file to import: its bytes in a browser, its path in the window. */
export interface ImportFile {
  name: string
  bytes?: ArrayBuffer
  path?: string
  model?: string
}

export async function importFile(f: ImportFile): Promise<T.ImportResult> {
  const query = { file: f.name, model: f.model || undefined }
  const words = new URLSearchParams(Object.entries(query).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]]))).toString()
  const bound: RequestOptions['bound'] = f.path === undefined ? undefined : ['Import', words, f.path]
  return (await request<T.ImportResult>('POST', '/import', { query, bytes: f.bytes, timeoutMs: 3_600_000, bound })).body
}

export type ExportFormat = 'jsonl' | 'csv' | 'sqlite' | 'bundle' | 'html'

/** The query of an export; without ids it is of everything. */
export function exportQuery(format: ExportFormat, ids: string[]): string {
  return `format=${format}${ids.length ? `&ids=${ids.map(encodeURIComponent).join(',')}` : ''}`
}
