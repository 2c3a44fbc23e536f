import { calls, type RequestRecord, type Sample } from '../api'
import { Resource } from './resource.svelte'

const PAGE = 500
const REQUESTS_MAX = 20_000
/** How many requests are read in full for the distribution of gaps. */
const GAPS_FROM = 24

/** The raw records behind one run, each read when its tab is opened. */
export class RunRecords {
  readonly id: string
  readonly requests: Resource<RequestRecord[]>
  readonly samples: Resource<Sample[]>
  /** Requests with their chunk times: the first measured ones. */
  readonly full: Resource<RequestRecord[]>
  opened = $state.raw<RequestRecord | null>(null)

  constructor(id: string) {
    this.id = id
    this.requests = new Resource(() => this.readAll())
    this.samples = new Resource(() => calls.runMetrics(id, { points: 2000 }))
    this.full = new Resource(() => this.readFull())
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

  private async readFull(): Promise<RequestRecord[]> {
    // Not ensure: that one does not wait for a read that is already under way.
    if (this.requests.value === null) await this.requests.load()
    const measured = (this.requests.value ?? []).filter((r) => r.phase === 'measure' && r.outcome === 'ok').slice(0, GAPS_FROM)
    return Promise.all(measured.map((r) => calls.runRequest(this.id, r.n)))
  }

  async open(n: number): Promise<void> {
    this.opened = (this.requests.value ?? []).find((r) => r.n === n) ?? null
    this.opened = await calls.runRequest(this.id, n)
  }
}

/** The gaps between the content chunks of a request, in ms. */
export function gapsOf(r: RequestRecord): number[] {
  const at = r.chunk_us ?? []
  return at.slice(1).map((t, i) => (t - (at[i] ?? t)) / 1000)
}
