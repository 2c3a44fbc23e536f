import { calls, type Quality, type QualityDetail, type QualityRequest, type Run } from '../api'
import { Resource } from './resource.svelte'

interface Subject { model: string; endpoint: string | null; sha256?: string }

const over = (q: Quality): boolean => q.status !== 'queued' && q.status !== 'running'

/** Measurements of quality, newest first; the live events keep them as they are. */
class QualityState {
  readonly all = new Resource<Quality[]>(() => calls.qualities())

  /** Takes in what an event tells; the list itself is read when it is first shown. */
  put(q: Quality): void {
    const have = this.all.value
    if (!have) return
    const at = have.findIndex((x) => x.id === q.id)
    this.all.value = at < 0 ? [q, ...have] : have.with(at, q)
  }

  get(id: string): Quality | null {
    return this.all.value?.find((q) => q.id === id) ?? null
  }

  /** The newest measurement of tasks of a model that has something to tell, of the same file where that is known. */
  of(s: Subject): Quality | null {
    const fits = (q: Quality): boolean => q.model_id === s.model && q.endpoint_id === s.endpoint &&
      (!s.sha256 || !q.model_sha256 || q.model_sha256 === s.sha256)
    return this.all.value?.find((q) => q.status === 'completed' && (q.summary?.tasks?.asked ?? 0) > 0 && fits(q)) ?? null
  }

  /** What is known of the model of a run; nothing where another program measured it. */
  ofRun(run: Run): Quality | null {
    return run.imported ? null : this.of({ model: run.model, endpoint: run.plan.endpoint_id, sha256: run.environment?.engine.model_sha256 ?? '' })
  }

  async start(request: QualityRequest): Promise<Quality> {
    const q = await calls.startQuality(request)
    if (!this.get(q.id)) this.put(q)
    return q
  }

  async remove(id: string): Promise<void> {
    await calls.removeQuality(id)
    this.all.value = this.all.value?.filter((q) => q.id !== id) ?? null
  }
}

export const quality = new QualityState()

/** One measurement with its records. */
export class OneQuality {
  readonly id: string
  readonly read: Resource<QualityDetail>

  constructor(id: string) {
    this.id = id
    this.read = new Resource(() => calls.quality(id))
  }

  /** As the events tell it, with the records that were read last; what was read of an ended one is final. */
  get now(): QualityDetail | null {
    const read = this.read.value
    const told = quality.get(this.id)
    return read && told && !over(read) ? { ...read, ...told } : read
  }

  /** The events tell that it has ended, but its last records were not read yet. */
  get behind(): boolean {
    const told = quality.get(this.id)
    return this.read.value !== null && told !== null && over(told) && !over(this.read.value)
  }

  async cancel(): Promise<void> {
    quality.put(await calls.cancelQuality(this.id))
    await this.read.load()
  }
}
