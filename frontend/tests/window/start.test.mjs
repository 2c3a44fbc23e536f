// Starts of the window that went wrong once or easily could: a bare locale, a second start.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { startWindow } from './driver.mjs'

const root = resolve(import.meta.dirname, '../../..')
const binary = resolve(process.env.INFEROMETER_E2E_BIN ?? join(root, 'build/bin/inferometer-e2e'))

test('under LANG=C the page is drawn', { timeout: 150_000 }, async () => {
  const window = await startWindow({ lang: 'C' })
  try {
    await window.seen('How fast do language models run on this machine?')
  } finally {
    await window.stop()
  }
})

test('a second start leaves one window and ends at once', { timeout: 150_000 }, async () => {
  const window = await startWindow()
  try {
    await window.seen('How fast do language models run on this machine?')
    const env = { ...process.env, DISPLAY: window.display, WAYLAND_DISPLAY: '', GDK_BACKEND: 'x11', INFEROMETER_DATA_DIR: window.data }
    const second = spawn(binary, [], { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    second.stderr.on('data', (chunk) => (said += chunk))
    const [code] = await once(second, 'exit')
    assert.equal(code, 0, said)
    assert.doesNotMatch(said, /opening http/) // that is what it does when there is no window to bring to the front
    await window.seen('How fast do language models run on this machine?')
  } finally {
    await window.stop()
  }
})
