import { calls, type Alert } from '../api'
import { Resource } from './resource.svelte'

/** What was seen in the history of figures, newest first. */
class Alerts {
  readonly read = new Resource<Alert[]>(() => calls.alerts())
  readonly open = $derived((this.read.value ?? []).filter((a) => a.acknowledged_at === null))
  /** The alert that came last since the page opened, new or known better; not what was acknowledged. */
  came = $state.raw<Alert | null>(null)

  /** Takes one from the live events. */
  on(a: Alert): void {
    const old = this.read.value?.find((x) => x.id === a.id)
    this.read.value = [a, ...(this.read.value ?? []).filter((x) => x.id !== a.id)].sort((x, y) => Date.parse(y.created_at) - Date.parse(x.created_at))
    if (a.acknowledged_at === null && old?.kind !== a.kind) this.came = a
  }

  async acknowledge(id: string): Promise<void> {
    this.on(await calls.acknowledgeAlert(id))
  }

  async reopen(id: string): Promise<void> {
    this.on(await calls.reopenAlert(id))
  }
}

export const alerts = new Alerts()
