// A benchmark is repeated until its speed is known: from the form, by planned looks, stopped and taken up again.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAll, stopAll } from './measured.mjs'
import { api, axe, onPage, send, shoot, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server, endpoint
const base = { model_id: 'tiny-test', prompt: 'Where does the lighthouse stand?', max_tokens: 24, warmup: 1, stop: { requests: 4 } }

before(async () => {
  ;({ program, browser, server, endpoint } = await startAll())
})
after(() => stopAll({ program, browser, server }))

const withPage = (work, options, wanted) => onPage(browser, work, options, wanted)

test('the form repeats a benchmark until it is known', { timeout: 180_000 }, () => withPage(async (page) => {
  // What is measured is the small server; that it is to be repeated comes from the form.
  await page.route('**/api/v1/benchmarks', (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    return route.continue({ postData: JSON.stringify({ ...base, endpoint_id: endpoint.id, repeat: route.request().postDataJSON().repeat }) })
  })
  await visit(page, program.url, '#/new')
  await page.getByRole('switch', { name: /^Repeat until known/ }).click()
  await shoot(page, 'repeat-form')
  const start = page.getByRole('button', { name: /^Start/ }).first()
  await until(() => start.isEnabled(), 30_000, 'Start is enabled')
  await start.click()
  await page.waitForURL(/#\/experiments\//, QUICK)
  await page.getByText(/of 16 runs at most/).first().waitFor(QUICK)
  const id = new URL(page.url()).hash.split('/').pop()
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 120_000 })
  const e = await api(program.url, `/experiments/${id}`)
  assert.ok(e.repeat.points.length >= 4 && ['narrow_enough', 'no_use'].includes(e.ended.reason), JSON.stringify(e.ended))
  await page.getByText('decided here').last().waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'repeat')
  await api(program.url, '/settings', send('PATCH', { language: 'pt-BR' }))
  await page.reload()
  await page.getByText(/^\d+,\d+ tok\/s ± \d/).waitFor(QUICK)
  await shoot(page, 'repeat-pt')
}))

test('repeating is stopped, and goes on where it stood', { timeout: 180_000 }, () => withPage(async (page) => {
  await api(program.url, '/settings', send('PATCH', { language: 'en' }))
  server.pace.factor = 8 // so that it is stopped on the way
  const e = await api(program.url, '/experiments', send('POST', { kind: 'repeat', benchmark: { ...base, endpoint_id: endpoint.id }, repeat: { min_runs: 7, max_runs: 7 } }))
  await visit(page, program.url, `#/experiments/${e.id}`)
  await page.getByText(/; the target is ± 2\s%\.$/).waitFor(QUICK)
  await shoot(page, 'repeat-running')
  await page.getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByText('Canceled', { exact: true }).first().waitFor(QUICK)
  server.pace.factor = 1
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 120_000 })
  await page.getByText('decided here').last().waitFor(QUICK)
  assert.equal((await api(program.url, `/experiments/${e.id}`)).repeat.points.length, 7)
}))
