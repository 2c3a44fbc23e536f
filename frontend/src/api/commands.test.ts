import { afterEach, describe, expect, it, vi } from 'vitest'
import * as calls from './calls'
import { Problem } from './client'

/**
 * Every command goes through the window's bound method when there is one, else through fetch; both must
 * carry the same data. Each row: the bound method, its call, its arguments, and the request of REST.
 */
type Row = [method: string, call: () => Promise<unknown>, args: (string | boolean)[], request: string, body?: string, headers?: Record<string, string>]

const job = { model_id: 'm', prompt: 'olá' }
const rows: Row[] = [
  ['StartBenchmark', () => calls.startRun(job, 'k1'), ['{"model_id":"m","prompt":"olá"}', 'k1'], 'POST /benchmarks', '{"model_id":"m","prompt":"olá"}', { 'Idempotency-Key': 'k1' }],
  ['CancelBenchmark', () => calls.cancelRun('a b'), ['a b'], 'POST /benchmarks/a%20b/cancel'],
  ['RerunBenchmark', () => calls.rerunRun('r'), ['r'], 'POST /benchmarks/r/rerun'],
  ['EditBenchmark', () => calls.editRun('r', { tags: ['x'] }), ['r', '{"tags":["x"]}'], 'PATCH /benchmarks/r', '{"tags":["x"]}'],
  ['DeleteBenchmark', () => calls.deleteRun('r'), ['r', false], 'DELETE /benchmarks/r'],
  ['DeleteBenchmark', () => calls.restoreRun('r'), ['r', true], 'DELETE /benchmarks/r?restore=true'],
  ['EraseBenchmark', () => calls.eraseRun('r'), ['r'], 'DELETE /trash/r'],
  ['EmptyTrash', () => calls.emptyTrash(), [], 'DELETE /trash'],
  ['CompactStorage', () => calls.compactStorage(), [], 'POST /storage/compact'],
  ['CancelStorageTask', () => calls.stopStorageTask(), [], 'DELETE /storage/task'],
  ['MoveStorage', () => calls.moveStorage('/a b'), ['{"path":"/a b"}'], 'POST /storage/move', '{"path":"/a b"}'],
  ['CancelMove', () => calls.cancelMove(), [], 'DELETE /storage/move'],
  ['RemoveOldData', () => calls.removeOldData(), [], 'DELETE /storage/old'],
  ['ApplyRetention', () => calls.applyRetention(), [], 'POST /storage/retention'],
  ['AddBackup', () => calls.addBackup(), [], 'POST /storage/backups'],
  ['RemoveBackup', () => calls.removeBackup('b.db'), ['b.db'], 'DELETE /storage/backups/b.db'],
  ['RestoreBackup', () => calls.restoreBackup('b.db'), ['b.db'], 'POST /storage/backups/b.db/restore'],
  ['CancelRestore', () => calls.cancelRestore(), [], 'DELETE /storage/restore'],
  ['DismissRecovery', () => calls.dismissRecovery(), [], 'DELETE /storage/recovery'],
  ['AddModel', () => calls.addModel('/a.gguf'), ['{"path":"/a.gguf"}'], 'POST /models', '{"path":"/a.gguf"}'],
  ['RemoveModel', () => calls.removeModel('m/1'), ['m/1'], 'DELETE /models/m%2F1'],
  ['DownloadModel', () => calls.downloadModel('m'), ['m'], 'POST /models/m/download'],
  ['CancelDownload', () => calls.cancelDownload('m'), ['m'], 'POST /models/m/download/cancel'],
  ['AddEndpoint', () => calls.addEndpoint({ name: 'n' }), ['{"name":"n"}'], 'POST /endpoints', '{"name":"n"}'],
  ['EditEndpoint', () => calls.editEndpoint('e', { name: 'n' }), ['e', '{"name":"n"}'], 'PATCH /endpoints/e', '{"name":"n"}'],
  ['RemoveEndpoint', () => calls.removeEndpoint('e'), ['e'], 'DELETE /endpoints/e'],
  ['CheckEndpoint', () => calls.checkEndpoint('e', { generate: false }), ['e', '{"generate":false}'], 'POST /endpoints/e/check', '{"generate":false}'],
  ['Import', () => calls.importFile({ name: 'r.json', path: '/r.json', model: 'm' }), ['file=r.json&model=m', '/r.json'], 'POST /import?file=r.json&model=m'],
  ['AddDataset', () => calls.addDataset({ name: 'n m', format: 'csv', body: 'prompt\nx' }), ['name=n+m&format=csv', 'text/csv', 'prompt\nx'], 'POST /datasets?name=n+m&format=csv', 'prompt\nx', { 'Content-Type': 'text/csv' }],
  ['AddDataset', () => calls.addDataset({ name: '', format: 'sharegpt', body: '[]', preview: true, skipBad: true }), ['format=sharegpt&preview=true&skip_bad=true', 'application/json', '[]'], 'POST /datasets?format=sharegpt&preview=true&skip_bad=true', '[]'],
  ['RemoveDataset', () => calls.removeDataset('d'), ['d'], 'DELETE /datasets/d'],
  ['AddView', () => calls.addView({ name: 'n' }), ['{"name":"n"}'], 'POST /views', '{"name":"n"}'],
  ['EditView', () => calls.editView('v', { name: 'n' }), ['v', '{"name":"n"}'], 'PATCH /views/v', '{"name":"n"}'],
  ['RemoveView', () => calls.removeView('v'), ['v'], 'DELETE /views/v'],
  ['RotateToken', () => calls.rotateToken(), [], 'POST /token/rotate'],
  ['Compare', () => calls.compare({ runs: ['a', 'b'], baseline: 1 }), ['{"runs":["a","b"],"baseline":1}'], 'POST /comparisons', '{"runs":["a","b"],"baseline":1}'],
  ['StartExperiment', () => calls.startExperiment({ arms: [{ benchmark: job }], pairs: 8 }), [`{"arms":[{"benchmark":${JSON.stringify(job)}}],"pairs":8}`], 'POST /experiments', `{"arms":[{"benchmark":${JSON.stringify(job)}}],"pairs":8}`],
  ['ResumeExperiment', () => calls.resumeExperiment('e'), ['e'], 'POST /experiments/e/resume'],
  ['CancelExperiment', () => calls.cancelExperiment('e'), ['e'], 'POST /experiments/e/cancel'],
  ['RemoveExperiment', () => calls.removeExperiment('e'), ['e'], 'DELETE /experiments/e'],
  ['StartQuality', () => calls.startQuality({ kind: 'tasks', model_id: 'm' }), ['{"kind":"tasks","model_id":"m"}'], 'POST /quality', '{"kind":"tasks","model_id":"m"}'],
  ['CancelQuality', () => calls.cancelQuality('q'), ['q'], 'POST /quality/q/cancel'],
  ['RemoveQuality', () => calls.removeQuality('q'), ['q'], 'DELETE /quality/q'],
  ['EditSettings', () => calls.editSettings({ debug: true }), ['{"debug":true}'], 'PATCH /settings', '{"debug":true}'],
]

afterEach(() => vi.unstubAllGlobals())

describe.each(rows)('%s', (method, call, args, wanted, body, headers) => {
  it('goes through the window', async () => {
    const got: unknown[] = []
    vi.stubGlobal('fetch', () => Promise.reject(new Error('not wanted')))
    vi.stubGlobal('go', { app: { Bridge: { [method]: async (...a: unknown[]) => (got.push(...a), '{"status":200,"body":{"ok":1}}') } } })
    await call()
    expect(got).toEqual(args)
  })

  it('goes through fetch where there is no window', async () => {
    let sent = ''
    let init: RequestInit = {}
    vi.stubGlobal('fetch', async (url: string, i: RequestInit) => {
      sent = `${i.method} ${url.replace('/api/v1', '')}`
      init = i
      return new Response('{"ok":1}', { headers: { 'Content-Type': 'application/json' } })
    })
    await call()
    expect(sent).toBe(wanted)
    expect(init.body).toBe(body)
    if (headers) expect(init.headers).toMatchObject(headers)
  })

  it('gives the same problem both ways', async () => {
    const problem = { title: 'T', status: 422, detail: 'D', hint: 'H', errors: [{ location: 'body.load.kind', message: 'wrong' }] }
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify(problem), { status: 422, headers: { 'Content-Type': 'application/problem+json' } }))
    const bare = await call().catch((e: unknown) => e)
    vi.stubGlobal('go', { app: { Bridge: { [method]: async () => JSON.stringify({ status: 422, body: problem }) } } })
    const bound = await call().catch((e: unknown) => e)
    expect(bare).toBeInstanceOf(Problem)
    expect(bound).toMatchObject({ ...(bare as Problem) })
    expect((bound as Problem).details).toBe((bare as Problem).details)
  })
})
