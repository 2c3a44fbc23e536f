// The real window: Quick check is clicked through, charts move, every screen opens.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { startWindow, until } from './driver.mjs'

const shots = process.env.SHOTS ?? ''
let window

async function shoot(name) {
  if (!shots) return
  await mkdir(shots, { recursive: true })
  await window.screenshot(`${shots}/window-${name}.png`)
}

before(async () => {
  window = await startWindow()
  await window.run(`globalThis.faults = []
    addEventListener('error', (e) => faults.push(String(e.message)))
    addEventListener('unhandledrejection', (e) => faults.push(String(e.reason)))`)
}, { timeout: 150_000 })
after(async () => window?.stop(), { timeout: 60_000 })

test('the window shows the welcome screen with its bound methods', { timeout: 90_000 }, async () => {
  await window.seen('How fast do language models run on this machine?')
  assert.equal(await window.run('return typeof window.go.app.Bridge.StartBenchmark'), 'function')
  await shoot('welcome')
})

test('Quick check runs through and charts move', { timeout: 300_000 }, async () => {
  await window.click("//button[contains(., 'Quick check')]")
  await window.seen('Measure', 120_000)
  const id = await until(() => window.run(`return fetch('/api/v1/benchmarks').then((r) => r.json()).then((l) => l[0] && l[0].job_id)`), 60_000, 'a run exists')
  await window.open(`#/live/${id}`)
  const picture = () => window.run(`const c = document.querySelector('main canvas'); return c ? c.toDataURL() : ''`)
  const first = await until(picture, 60_000, 'a chart is drawn')
  await until(async () => (await picture()) !== first, 60_000, 'the chart moves')
  await shoot('live')
  const status = () => window.run(`return fetch('/api/v1/benchmarks/' + arguments[0]).then((r) => r.json()).then((r) => r.status)`, id)
  assert.equal(await until(async () => { const s = await status(); return /queued|running/.test(s) ? '' : s }, 240_000, 'the run ends'), 'completed')
  await window.open(`#/runs/${id}`)
  await window.seen('tokens per second')
  await shoot('detail')
})

for (const [hash, title] of [['#/', 'Home'], ['#/new', 'New benchmark'], ['#/results', 'Results'], ['#/models', 'Models'], ['#/datasets', 'Datasets'],
  ['#/engines', 'Engines'], ['#/hardware', 'Hardware'], ['#/api', 'API'], ['#/settings', 'Settings']]) {
  test(`${title} opens`, { timeout: 60_000 }, async () => {
    await window.open(hash)
    await until(async () => (await window.run(`return document.querySelector('main h1')?.innerText ?? ''`)).includes(title), 30_000, title)
    await shoot(title.toLowerCase().replaceAll(' ', '-'))
  })
}

test('nothing failed in the page', async () => {
  assert.deepEqual(await window.run('return globalThis.faults'), [])
})
