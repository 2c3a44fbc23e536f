import { request } from './client'
import type * as T from './types'

/** Storage, backups, the log and reports. */

const id = encodeURIComponent
/** For what reads or writes the whole database. */
const SLOW_MS = 600_000

export const getStorage = async (): Promise<T.Storage> => (await request<T.Storage>('GET', '/storage', { timeoutMs: SLOW_MS })).body

export const compactStorage = async (): Promise<T.Compacted> =>
  (await request<T.Compacted>('POST', '/storage/compact', { timeoutMs: SLOW_MS, bound: ['CompactStorage'] })).body

/** What works the disk now. */
export const storageWork = async (): Promise<T.StorageWork> => (await request<T.StorageWork>('GET', '/storage/work')).body

/** Stops compacting, backing up or preparing to restore. */
export async function stopStorageTask(): Promise<void> {
  await request('DELETE', '/storage/task', { bound: ['CancelStorageTask'] })
}

/** Begins to move the data folder; the next start ends it. */
export async function moveStorage(path: string): Promise<T.Move> {
  const json = { path }
  return (await request<T.Move>('POST', '/storage/move', { json, bound: ['MoveStorage', JSON.stringify(json)], timeoutMs: SLOW_MS })).body
}

export async function cancelMove(): Promise<void> {
  await request('DELETE', '/storage/move', { timeoutMs: SLOW_MS, bound: ['CancelMove'] })
}

/** Deletes what a move left in the old place. */
export const removeOldData = async (): Promise<T.OldData> =>
  (await request<T.OldData>('DELETE', '/storage/old', { timeoutMs: SLOW_MS, bound: ['RemoveOldData'] })).body

export const retention = async (rules: Partial<T.RetentionRules> = {}): Promise<T.Retention> =>
  (await request<T.Retention>('GET', '/storage/retention', { query: { ...rules }, timeoutMs: SLOW_MS })).body

export const applyRetention = async (): Promise<T.Retention> =>
  (await request<T.Retention>('POST', '/storage/retention', { timeoutMs: SLOW_MS, bound: ['ApplyRetention'] })).body

export const listBackups = async (): Promise<T.Backup[]> => (await request<T.Backup[] | null>('GET', '/storage/backups')).body ?? []

export const addBackup = async (): Promise<T.Backup> =>
  (await request<T.Backup>('POST', '/storage/backups', { timeoutMs: SLOW_MS, bound: ['AddBackup'] })).body

export async function removeBackup(name: string): Promise<void> {
  await request('DELETE', `/storage/backups/${id(name)}`, { bound: ['RemoveBackup', name] })
}

/** Lays a backup ready; it takes the place of the database at the next start. */
export async function restoreBackup(name: string): Promise<void> {
  await request('POST', `/storage/backups/${id(name)}/restore`, { timeoutMs: SLOW_MS, bound: ['RestoreBackup', name] })
}

export async function cancelRestore(): Promise<void> {
  await request('DELETE', '/storage/restore', { bound: ['CancelRestore'] })
}

/** Puts the notice of a recovery away. */
export async function dismissRecovery(): Promise<void> {
  await request('DELETE', '/storage/recovery', { bound: ['DismissRecovery'] })
}

export const listLog = async (limit: number): Promise<T.LogRecord[]> =>
  (await request<T.LogRecord[] | null>('GET', '/log', { query: { level: 'debug', limit } })).body ?? []
