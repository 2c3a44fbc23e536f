import { calls, type LogRecord } from '../api'
import { live } from './live.svelte'
import { Resource } from './resource.svelte'

/** As many as the program keeps. */
const MOST = 1000

/** The newest records of the program's log, newest first; new ones come by themselves. */
class Logbook {
  readonly read = new Resource<LogRecord[]>(() => calls.listLog(MOST))

  get records(): LogRecord[] {
    const read = this.read.value ?? []
    const newest = read[0]?.at ?? ''
    return [...live.log.filter((r) => r.at > newest).reverse(), ...read].slice(0, MOST)
  }
}

export const logbook = new Logbook()
