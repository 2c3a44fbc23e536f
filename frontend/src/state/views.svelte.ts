import { calls, type SavedView, type ViewInput } from '../api'
import { Resource } from './resource.svelte'

/** The views of the results that a person keeps. */
class Views {
  readonly all = new Resource<SavedView[]>(() => calls.listViews())

  async add(view: ViewInput): Promise<SavedView> {
    const made = await calls.addView(view)
    await this.all.load()
    return made
  }

  async edit(id: string, view: ViewInput): Promise<void> {
    await calls.editView(id, view)
    await this.all.load()
  }

  /** Removes a view and returns how to take it back. */
  async remove(view: SavedView): Promise<() => Promise<void>> {
    await calls.removeView(view.id)
    await this.all.load()
    return async () => {
      await this.add({ name: view.name, filters: view.filters, sort: view.sort, columns: view.columns })
    }
  }
}

export const views = new Views()
