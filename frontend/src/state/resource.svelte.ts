import { untrack } from 'svelte'
import { asProblem, type Problem } from '../api'

/** Something that is read from the program: the value, or what went wrong, or neither yet. */
export class Resource<T> {
  value = $state.raw<T | null>(null)
  problem = $state.raw<Problem | null>(null)
  loading = $state(false)
  private generation = 0
  private readonly read: () => Promise<T>

  constructor(read: () => Promise<T>) {
    this.read = read
  }

  /** Reads anew; an older read that answers later is dropped. The old value stays on failure. */
  async load(): Promise<void> {
    const mine = ++this.generation
    this.loading = true
    try {
      const value = await this.read()
      if (mine !== this.generation) return
      this.value = value
      this.problem = null
    } catch (err) {
      if (mine === this.generation) this.problem = asProblem(err)
    } finally {
      if (mine === this.generation) this.loading = false
    }
  }

  /** Reads unless there is a value already. */
  async ensure(): Promise<void> {
    // Whoever calls this in an effect must not follow what it changes.
    if (untrack(() => this.value === null && !this.loading)) await this.load()
  }
}
