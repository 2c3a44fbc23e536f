import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Move, StorageWork } from '../api'
import { space } from './space.svelte'

let work: StorageWork
let reads: string[]

beforeEach(() => {
  vi.useFakeTimers()
  work = { movable: true, move: null, task: null }
  reads = []
  vi.stubGlobal('fetch', async (url: string) => {
    const path = url.replace('/api/v1/storage', '')
    reads.push(path)
    if (path === '/move') work.move = { to: '/there', state: 'copying', reason: '', done_bytes: 1, total_bytes: 4 }
    return new Response(JSON.stringify(path === '/work' ? work : (work.move ?? {})), { headers: { 'Content-Type': 'application/json' } })
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('follows a move until it only needs the next start', async () => {
  const end = space.watch()
  await vi.advanceTimersByTimeAsync(2000)
  expect(reads).toEqual(['/work']) // nothing works the disk: it is not asked again
  await space.move('/there')
  work.move = { ...(work.move as Move), done_bytes: 3 }
  await vi.advanceTimersByTimeAsync(600)
  expect(space.work.value?.move?.done_bytes).toBe(3)
  work.move = { ...work.move, state: 'ready' }
  await vi.advanceTimersByTimeAsync(600)
  expect(space.work.value?.move?.state).toBe('ready')
  expect(reads.at(-1)).toBe('') // what takes space is read anew
  const asked = reads.length
  await vi.advanceTimersByTimeAsync(2000)
  expect(reads.length).toBe(asked)
  end()
})
