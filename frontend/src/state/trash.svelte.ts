import { calls, type Run } from '../api'
import { Resource } from './resource.svelte'

/** The deleted runs, newest first, all pages. */
class Trash {
  readonly all = new Resource<Run[]>(async () => {
    const items: Run[] = []
    let cursor: string | undefined
    do {
      const page = await calls.listRuns({ trash: true, limit: 200, cursor })
      items.push(...page.items)
      cursor = page.next || undefined
    } while (cursor)
    return items
  })

  async restore(id: string): Promise<void> {
    await calls.restoreRun(id)
    await this.all.load()
  }

  async erase(id: string): Promise<void> {
    await calls.eraseRun(id)
    await this.all.load()
  }

  async empty(): Promise<void> {
    await calls.emptyTrash()
    await this.all.load()
  }
}

export const trash = new Trash()
