import { calls, type Run } from '../api'
import { Resource } from './resource.svelte'

/** The deleted runs, newest first, all pages. */
class Trash {
  readonly all = new Resource<Run[]>(async () => {
    const items: Run[] = []
    for (let cursor: string | undefined = '', first = true; first || cursor; first = false) {
      const page: Awaited<ReturnType<typeof calls.listRuns>> = await calls.listRuns({ trash: true, limit: 200, cursor: cursor || undefined })
      items.push(...page.items)
      cursor = page.next
    }
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
