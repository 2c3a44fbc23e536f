import { calls, type Lens, type PhaseChange, type RequestRecord, type Sample } from '../api'
import { Resource } from './resource.svelte'

const PAGE = 500
/** Most samples of the hardware at a time: the program reduces more of them to their extremes. */
const POINTS = 2000
const REQUESTS_MAX = 20_000
/** How many requests are read in full for the distribution of gaps, and how many at a time. */
const GAPS_FROM = 200
const AT_ONCE = 6

/** The raw records behind one run, each read when its tab is opened. */
export class RunRecords {
  readonly id: string
  readonly requests: Resource<RequestRecord[]>
  readonly samples: Resource<Sample[]>
  /** The means of the same stretches of time. */
  readonly means: Resource<Sample[]>
  readonly phases: Resource<PhaseChange[]>
  readonly lenses: Resource<Lens[]>
  /** The stage that is looked at; null for the whole run. */
  stage = $state<number | null>(null)
  /** Requests of the stage with their chunk times: spread evenly over the measured ones. */
  full: Resource<RequestRecord[]> = $state.raw(new Resource(() => Promise.resolve([])))
  opened = $state.raw<RequestRecord | null>(null)
  private readonly fulls = new Map<number | null, Resource<RequestRecord[]>>()

  constructor(id: string) {
    this.id = id
    this.requests = new Resource(() => this.readAll())
    this.samples = new Resource(() => calls.runMetrics(id, { points: POINTS }))
    this.means = new Resource(() => calls.runMetrics(id, { points: POINTS, of: 'means' }))
    this.phases = new Resource(() => calls.runPhases(id))
    this.lenses = new Resource(() => calls.runLenses(id))
    this.select(null)
  }

  /** The part of the time that is looked at, in µs; null for all. */
  private part = $state.raw<[number, number] | null>(null)
  private readonly close = new Resource(async () => {
    const [start_us, end_us] = this.part ?? [0, 0]
    return { start_us, end_us, samples: await calls.runMetrics(this.id, { points: POINTS, start_us, end_us }) }
  })
  /** The samples, finer in the part that is looked at once they are read. */
  readonly seen = $derived.by((): Sample[] => {
    const all = this.samples.value ?? []
    const c = this.close.value
    if (!this.part || c?.start_us !== this.part[0] || c.end_us !== this.part[1]) return all
    return [...all.filter((s) => s.t_ms * 1000 < c.start_us), ...c.samples, ...all.filter((s) => s.t_ms * 1000 > c.end_us)]
  })

  /** Looks closer at a part of the time, in s, where samples may have been reduced; null looks at all. */
  async look(range: readonly [number, number] | null): Promise<void> {
    const reduced = (this.samples.value ?? []).length > POINTS / 2
    this.part = range && reduced ? [Math.floor(range[0] * 1e6), Math.ceil(range[1] * 1e6)] : null
    if (this.part) await this.close.load()
  }

  /** The requests of the chosen stage; of the whole run with its warm-ups. */
  readonly scoped = $derived.by(() => inStage(this.requests.value ?? [], this.stage))
  /** How many requests the gaps could be read of. */
  readonly gapsOf = $derived(this.scoped.filter(succeeded).length)

  select(stage: number | null): void {
    this.stage = stage
    const known = this.fulls.get(stage) ?? new Resource(() => this.readFull(stage))
    this.fulls.set(stage, known)
    this.full = known
  }

  private async readAll(): Promise<RequestRecord[]> {
    const all: RequestRecord[] = []
    let cursor: string | undefined
    do {
      const page = await calls.runRequests(this.id, { limit: PAGE, cursor })
      all.push(...page.items)
      cursor = page.next || undefined
    } while (cursor && all.length < REQUESTS_MAX)
    return all.sort((a, b) => a.n - b.n)
  }

  private async readFull(stage: number | null): Promise<RequestRecord[]> {
    // Not ensure: that one does not wait for a read that is already under way.
    if (this.requests.value === null) await this.requests.load()
    const wanted = evenly(inStage(this.requests.value ?? [], stage).filter(succeeded), GAPS_FROM)
    const out: RequestRecord[] = []
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      out.push(...(await Promise.all(wanted.slice(i, i + AT_ONCE).map((r) => calls.runRequest(this.id, r.n)))))
    }
    return out
  }

  async open(n: number): Promise<void> {
    this.opened = (this.requests.value ?? []).find((r) => r.n === n) ?? null
    this.opened = await calls.runRequest(this.id, n)
  }
}

function succeeded(r: RequestRecord): boolean {
  return r.phase === 'measure' && r.outcome === 'ok'
}

function inStage(all: RequestRecord[], stage: number | null): RequestRecord[] {
  return stage === null ? all : all.filter((r) => r.stage === stage && r.phase !== 'warmup')
}

/** At most so many of a list, at even distances. */
export function evenly<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list]
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)] as T)
}
