import { calls, type Builds, type Experiment } from '../api'
import { recall, remember } from '../lib/storage'
import { Resource } from './resource.svelte'

/** The builds of the embedded engine, and the offer to measure a new one. */
class BuildWatch {
  readonly read = new Resource<Builds>(() => calls.builds())
  private later = $state(recall('buildLater', (v): v is string => typeof v === 'string', ''))
  /** The offer, unless it was put off for this build. */
  readonly offer = $derived.by(() => {
    const o = this.read.value?.offer ?? null
    return o && this.later !== `${o.old} ${o.new}` ? o : null
  })

  named(id: string): string {
    return this.read.value?.items.find((b) => b.id === id)?.build || id
  }

  putOff(): void {
    const o = this.read.value?.offer
    if (!o) return
    this.later = `${o.old} ${o.new}`
    remember('buildLater', this.later)
  }

  async measure(): Promise<Experiment[]> {
    const started = await calls.measureBuild({})
    await this.read.load()
    return started
  }
}

export const buildWatch = new BuildWatch()
