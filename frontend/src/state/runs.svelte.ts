import { untrack } from 'svelte'
import { SvelteSet } from 'svelte/reactivity'
import { asProblem, calls, type BenchmarkRequest, type Problem, type Run, type RunPatch, type RunPhaseEvent, type RunProgressEvent } from '../api'

const PAGE = 200
const ended = new Set(['completed', 'failed', 'canceled', 'interrupted'])

export function hasEnded(run: Run): boolean {
  return ended.has(run.status)
}

/** Whether any request was measured with success; without one the summary holds no figures. */
export function hasFigures(run: Run): boolean {
  return (run.summary?.requests.ok ?? 0) > 0
}

/** All runs, newest first, kept current by the live events. */
class Runs {
  items = $state.raw<Run[]>([])
  total = $state(0)
  loaded = $state(false)
  loading = $state(false)
  problem = $state.raw<Problem | null>(null)
  readonly selected = new SvelteSet<string>()
  private generation = 0

  readonly running = $derived(this.items.find((r) => r.status === 'running') ?? null)
  readonly queued = $derived(this.items.filter((r) => r.status === 'queued'))
  readonly finished = $derived(this.items.filter(hasEnded))

  /** Reads every page; the list on screen grows page by page. */
  async load(): Promise<void> {
    const mine = ++this.generation
    this.loading = true
    try {
      const all: Run[] = []
      let cursor: string | undefined
      do {
        const page = await calls.listRuns({ limit: PAGE, cursor })
        if (mine !== this.generation) return
        all.push(...page.items)
        this.total = page.total
        cursor = page.next || undefined
        if (!cursor || !this.loaded) this.items = [...all]
      } while (cursor)
      this.problem = null
      this.loaded = true
    } catch (err) {
      if (mine === this.generation) this.problem = asProblem(err)
    } finally {
      if (mine === this.generation) this.loading = false
    }
  }

  async ensure(): Promise<void> {
    if (untrack(() => !this.loaded && !this.loading)) await this.load()
  }

  get(id: string): Run | null {
    return this.items.find((r) => r.job_id === id) ?? null
  }

  /** Puts a run in its place: replaced when known, else on top. */
  put(run: Run): void {
    const at = this.items.findIndex((r) => r.job_id === run.job_id)
    if (at < 0) {
      this.items = [run, ...this.items]
      this.total++
    } else this.items = this.items.with(at, run)
  }

  drop(id: string): void {
    const rest = this.items.filter((r) => r.job_id !== id)
    if (rest.length < this.items.length) this.total--
    this.items = rest
    this.selected.delete(id)
  }

  onProgress(e: RunProgressEvent): void {
    const run = this.get(e.job_id)
    if (run && !hasEnded(run)) this.put({ ...run, status: 'running', progress: e.progress })
  }

  onPhase(e: RunPhaseEvent): void {
    const run = this.get(e.job_id)
    if (!run) void this.refresh(e.job_id)
    else if (run.status === 'queued') this.put({ ...run, status: 'running', started_at: run.started_at ?? e.at })
  }

  async refresh(id: string): Promise<Run> {
    const run = await calls.getRun(id)
    this.put(run)
    return run
  }

  async start(request: BenchmarkRequest): Promise<Run> {
    const run = await calls.startRun(request, crypto.randomUUID())
    if (!this.get(run.job_id)) this.put(run)
    return run
  }

  async rerun(id: string): Promise<Run> {
    const run = await calls.rerunRun(id)
    if (!this.get(run.job_id)) this.put(run)
    return run
  }

  async cancel(id: string): Promise<void> {
    this.put(await calls.cancelRun(id))
  }

  async edit(id: string, patch: RunPatch): Promise<void> {
    this.put(await calls.editRun(id, patch))
  }

  /** Moves runs to the trash and returns how to take them back. */
  async delete(ids: string[]): Promise<() => Promise<void>> {
    const kept = ids.map((id) => this.get(id)).filter((r): r is Run => r !== null)
    const gone: Run[] = []
    try {
      for (const run of kept) {
        await calls.deleteRun(run.job_id)
        this.drop(run.job_id)
        gone.push(run)
      }
    } catch (err) {
      if (gone.length === 0) throw err
      this.problem = asProblem(err)
    }
    return () => this.restore(gone)
  }

  private async restore(gone: Run[]): Promise<void> {
    for (const run of gone) await calls.restoreRun(run.job_id)
    await this.load()
  }
}

export const runs = new Runs()

/** One run in full, for its own screen. */
export class OneRun {
  run = $state.raw<Run | null>(null)
  problem = $state.raw<Problem | null>(null)
  readonly id: string

  constructor(id: string) {
    this.id = id
  }

  async load(): Promise<void> {
    try {
      this.run = await runs.refresh(this.id)
      this.problem = null
    } catch (err) {
      this.problem = asProblem(err)
    }
  }
}
