import { calls, type Backup, type Compacted, type Retention, type RetentionRules, type Storage } from '../api'
import { Resource } from './resource.svelte'

/** What takes space on disk, and the copies of the database. */
class Space {
  readonly use = new Resource<Storage>(() => calls.getStorage())
  readonly backups = new Resource<Backup[]>(() => calls.listBackups())

  async load(): Promise<void> {
    await Promise.all([this.use.load(), this.backups.load()])
  }

  async compact(): Promise<Compacted> {
    const done = await calls.compactStorage()
    await this.use.load()
    return done
  }

  async backUp(): Promise<Backup> {
    const made = await calls.addBackup()
    await this.load()
    return made
  }

  async removeBackup(name: string): Promise<void> {
    await calls.removeBackup(name)
    await this.load()
  }

  async restore(name: string): Promise<void> {
    await calls.restoreBackup(name)
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
