import { calls, type DoctorReport, type Preflight, type System } from '../api'
import { Resource } from './resource.svelte'

/** This machine and this program. */
class SystemState {
  readonly info = new Resource<System>(() => calls.getSystem())
  readonly preflight = new Resource<Preflight>(() => calls.preflight())
  readonly doctor = new Resource<DoctorReport>(() => calls.doctor())

  /** Puts the notice of a recovered database away. */
  async dismissRecovery(): Promise<void> {
    await calls.dismissRecovery()
    await this.info.load()
  }

  /** Rereads the pre-flight list every interval until the returned function is called. */
  watchPreflight(everyMs = 2000): () => void {
    void this.preflight.load()
    const timer = setInterval(() => {
      if (!document.hidden && !this.preflight.loading) void this.preflight.load()
    }, everyMs)
    return () => clearInterval(timer)
  }
}

export const system = new SystemState()
