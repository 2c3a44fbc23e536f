import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import type { System } from '../api'
import { system } from '../state'
import DatabaseNotice from './DatabaseNotice.svelte'

// The index of the primitives holds the charts, which ask for it as they load.
vi.hoisted(() => vi.stubGlobal('matchMedia', () => ({ addEventListener: () => undefined, matches: false })))

const well = { check: 'ok', detail: '', unclean_end: false, restores: '', disk_full: false, recovery: null }
const recovery = { at: '2026-11-30T10:00:00Z', reason: 'The database is damaged.', quarantined: 'q.db', restored_from: 'b.db' }

function show(database: object): void {
  system.info.value = { app: { database: { ...well, ...database } } } as unknown as System
  render(DatabaseNotice)
}

afterEach(() => vi.unstubAllGlobals())

it('says nothing of a database that is well', () => {
  show({})
  expect(screen.queryByRole('status')).toBeNull()
  expect(screen.queryByRole('alert')).toBeNull()
})

it('says what was set aside and what took its place, until that is put away', async () => {
  let sent = ''
  vi.stubGlobal('fetch', async (url: string, i: RequestInit) => {
    sent += `${i.method} ${url}\n`
    return new Response(i.method === 'DELETE' ? null : JSON.stringify({ app: { database: well } }), { status: i.method === 'DELETE' ? 204 : 200, headers: { 'Content-Type': 'application/json' } })
  })
  show({ recovery })
  expect(screen.getByRole('status').textContent).toMatch(/The database is damaged\. It was set aside as q\.db .* The backup b\.db took its place\./s)
  await userEvent.click(screen.getByRole('button', { name: 'Close' }))
  await vi.waitFor(() => expect(screen.queryByRole('status')).toBeNull())
  expect(sent).toContain('DELETE /api/v1/storage/recovery')
})

it('says that the disk is full', () => {
  show({ disk_full: true })
  expect(screen.getByRole('alert').textContent).toContain('The disk is full')
})

it('warns of a damaged database and says what the next start does', () => {
  show({ check: 'damaged', restores: 'b.db' })
  expect(screen.getByRole('alert').textContent).toContain('At the next start the backup b.db takes its place')
})
