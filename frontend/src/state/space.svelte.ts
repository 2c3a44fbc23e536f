import { calls, type Backup, type Compacted, type OldData, type Retention, type RetentionRules, type Storage, type StorageWork } from '../api'
import { Resource } from './resource.svelte'

/** How often work on the disk is looked at. */
const LOOK_MS = 500

/** What takes space on disk, and the copies of the database. */
class Space {
  readonly use = new Resource<Storage>(() => calls.getStorage())
  readonly backups = new Resource<Backup[]>(() => calls.listBackups())

  /** What works the disk now; followed while watch is on. */
  readonly work = new Resource<StorageWork>(() => calls.storageWork())

  /** Follows what works the disk until the returned function is called. */
  watch(): () => void {
    const look = async (): Promise<void> => {
      const before = this.busy
      await this.work.load()
      if (before && !this.busy) void this.use.load()
    }
    void look()
    const timer = setInterval(() => void (this.asked > 0 || this.busy ? look() : undefined), LOOK_MS)
    return () => clearInterval(timer)
  }

  /** How many commands that work the disk have not been answered yet. */
  private asked = 0

  private get busy(): boolean {
    const w = this.work.value
    return Boolean(w?.task) || w?.move?.state === 'copying'
  }

  /** Does what works the whole database, which is looked at meanwhile. */
  private async following<V>(what: () => Promise<V>): Promise<V> {
    this.asked++
    try {
      return await what()
    } finally {
      this.asked--
      await this.work.load()
    }
  }

  /** Stops what works the whole database. */
  async stop(): Promise<void> {
    await calls.stopStorageTask()
  }

  async move(to: string): Promise<void> {
    await this.following(() => calls.moveStorage(to))
  }

  async stay(): Promise<void> {
    await this.following(() => calls.cancelMove())
  }

  async removeOld(): Promise<OldData> {
    const freed = await calls.removeOldData()
    await this.use.load()
    return freed
  }

  async load(): Promise<void> {
    await Promise.all([this.use.load(), this.backups.load()])
  }

  async compact(): Promise<Compacted> {
    const done = await this.following(() => calls.compactStorage())
    await this.use.load()
    return done
  }

  async backUp(): Promise<Backup> {
    const made = await this.following(() => calls.addBackup())
    await this.load()
    return made
  }

  async removeBackup(name: string): Promise<void> {
    await calls.removeBackup(name)
    await this.load()
  }

  async restore(name: string): Promise<void> {
    await this.following(() => calls.restoreBackup(name))
    await this.use.load()
  }

  async keep(): Promise<void> {
    await calls.cancelRestore()
    await this.use.load()
  }

  /** What rules would free; those that are not given are the ones that are set. */
  async wouldFree(rules: Partial<RetentionRules> = {}): Promise<Retention> {
    return calls.retention(rules)
  }

  async tidy(): Promise<Retention> {
    const done = await calls.applyRetention()
    await this.use.load()
    return done
  }
}

export const space = new Space()
