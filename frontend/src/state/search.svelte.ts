import { asProblem, calls, type Problem, type SearchHit } from '../api'

const PAUSE_MS = 150

/** Looks for words in all texts while they are being typed; the newest question wins. */
export class TextSearch {
  hits = $state.raw<SearchHit[]>([])
  problem = $state.raw<Problem | null>(null)
  /** Ended runs whose texts cannot be found yet. */
  indexing = $state(0)
  readonly byRun = $derived(new Map(this.hits.map((h) => [h.job_id, h])))
  private asked = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** Asks for a text after a short pause; an empty one finds nothing at once. */
  ask(text: string): void {
    clearTimeout(this.timer)
    const mine = ++this.asked
    if (text.trim() === '') {
      this.hits = []
      this.problem = null
      this.indexing = 0
      return
    }
    this.timer = setTimeout(() => void this.look(text, mine), PAUSE_MS)
  }

  private async look(text: string, mine: number): Promise<void> {
    try {
      const found = await calls.search(text, this.limit)
      if (mine !== this.asked) return
      this.hits = found.hits
      this.indexing = found.indexing
      this.problem = null
    } catch (err) {
      if (mine !== this.asked) return
      this.hits = []
      this.problem = asProblem(err)
    }
  }
}
