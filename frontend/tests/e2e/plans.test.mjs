// Experiments over one benchmark: tuning the engine and finding the capacity, from their dialogs to what came of them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAll, stopAll } from './measured.mjs'
import { api, axe, onPage, send, shoot, visit } from './program.mjs'
import { capacityDone, tuneDone } from './planfixtures.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server, endpoint, run

before(async () => {
  ;({ program, browser, server, endpoint } = await startAll())
  run = await api(program.url, '/benchmarks?wait=60s', send('POST', { model_id: 'tiny-test', prompt: 'Hello', max_tokens: 4, warmup: 0, endpoint_id: endpoint.id, stop: { requests: 2 } }))
})
after(() => stopAll({ program, browser, server }))
const withPage = (work, options) => onPage(browser, work, options)

test('the capacity is looked for from a run, and the search is stopped', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${run.job_id}`)
  await page.getByRole('button', { name: 'More' }).click()
  assert.equal(await page.getByRole('menuitem', { name: /Tune the engine/ }).count(), 0, 'an endpoint has its own settings')
  await page.getByRole('menuitem', { name: /Find the capacity/ }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('switch', { name: /^Chat/ }).waitFor(QUICK)
  await dialog.getByRole('switch', { name: /^Voice/ }).click()
  await dialog.getByLabel('Voice: TTFT below').fill('0')
  await dialog.getByText('Limits above 0 ms').waitFor(QUICK)
  assert.equal(await dialog.getByRole('button', { name: 'Start' }).isDisabled(), true)
  await dialog.getByLabel('Voice: TTFT below').fill('400')
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'capacity-dialog')
  await dialog.getByRole('switch', { name: /Send the prompts of this benchmark/ }).click()
  await dialog.getByLabel('Most users').fill('4')
  await dialog.getByRole('button', { name: 'Start' }).click()
  await page.waitForURL(/#\/experiments\//, QUICK)
  await page.getByText('searching').waitFor(QUICK)
  await page.getByText(/^Chat: (So far|At least|Not even|\d)/).waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByText('stopped', { exact: true }).waitFor(QUICK)
  const e = await api(program.url, `/experiments/${new URL(page.url()).hash.split('/').pop()}`)
  const { design: { capacity: d }, arms } = e
  assert.deepEqual([d.personas.map((p) => p.key), d.personas[1].objectives[0].below_ms, d.max_users, arms[0].benchmark.prompt], [['chat', 'voice'], 400, 4, 'Hello'])
}))

/** What a finished experiment looks like; the figures are made, the screen is not. */
const finished = (make, work, options) => withPage(async (page) => {
  const e = (await api(program.url, '/experiments'))[0]
  await page.route(`**/api/v1/experiments/${e.id}`, async (route) => route.fulfill({ json: make(await (await route.fetch()).json(), run.job_id) }))
  await page.route('**/api/v1/distributions*', (route) => route.fulfill({ json: [] })) // all its runs are one
  await visit(page, program.url, `#/experiments/${e.id}`)
  await work(page)
}, options)

test('the capacity of two personas is told with its interval and curve', { timeout: 120_000 }, () => finished(capacityDone, async (page) => {
  await page.getByText('Chat: 12 users (10–14 with 95 % confidence).').waitFor(QUICK)
  await page.getByRole('img', { name: /Requests that meet the limits: .*16: 31\.3\s%/ }).waitFor(QUICK)
  assert.match(await page.getByRole('row', { name: /^16/ }).textContent(), /10 \/ 32.*do not hold, shown.*TTFT p95 is 1420 ms/s)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'capacity')
  await page.getByRole('tab', { name: /Voice/ }).click()
  await page.getByText(/^Voice: Not even one user: 40\.0/).waitFor(QUICK)
  await shoot(page, 'capacity-none')
}))

test('tuning shows its rounds and the final, and its settings go into the form', { timeout: 120_000 }, () => finished(tuneDone, async (page) => {
  const verdict = page.getByRole('region', { name: 'Result' })
  await verdict.getByText(/^Use threads 8, flash on: \+8\.2/).waitFor(QUICK)
  assert.equal(await page.getByRole('region', { name: /^Round [123]$/ }).count(), 3)
  await page.getByRole('region', { name: 'Round 1' }).getByText('Out of memory.').waitFor({ state: 'attached', ...QUICK })
  await page.getByRole('region', { name: 'Final' }).getByText('8 of 8 pairs').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'tune')
  await page.setViewportSize({ width: 1024, height: 640 })
  await shoot(page, 'tune-1024')
  assert.deepEqual(await axe(page), [])
  await page.getByRole('button', { name: 'Use these settings' }).click()
  await page.waitForURL(/#\/new/, QUICK)
  await page.getByText('threads=8,flash_attention=on').first().waitFor(QUICK)
}))

test('the tuning dialog refuses what is no number, in Portuguese too', { timeout: 120_000 }, () => withPage(async (page) => {
  await page.route('**/api/v1/models*', (route) => route.fulfill({ json: [{ ...MODEL }] }))
  await visit(page, program.url, '#/new')
  await page.getByRole('button', { name: 'Outras formas de medir' }).click()
  await page.getByRole('menuitem', { name: 'Ajustar o motor…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Valores de Threads').fill('4, x')
  await dialog.getByText('Números inteiros separados por vírgulas').waitFor(QUICK)
  assert.equal(await dialog.getByRole('button', { name: 'Iniciar' }).isDisabled(), true)
  await dialog.getByLabel('Valores de Threads').fill('4, 8')
  await dialog.getByText(/^No máximo 64 execuções/).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'tune-dialog-pt')
}, { locale: 'pt-BR' }))

const MODEL = { id: 'tiny', name: 'Tiny', engine: 'llama-server', endpoint_id: null, installed: true, default: true, source: 'file', size_bytes: 1e8, license: '', path: '/m/tiny.gguf', error: '', gguf: null, download: null }
