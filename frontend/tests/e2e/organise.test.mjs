// Finding and keeping order: texts are found, counts stand beside the filters, views are kept, the trash gives
// back, and the storage is shown, tidied and backed up.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startServer } from './fakeserver.mjs'
import { api, axe, onPage, send, shoot, startBrowser, startProgram, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server

const prompts = ['Where does the lighthouse stand?', 'Who keeps the lighthouse at night?', 'Why is the sky blue?']
const ids = []

before(async () => {
  program = await startProgram()
  browser = await startBrowser()
  server = await startServer([0])
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Test', base_url: server.url }))
  for (const [i, prompt] of prompts.entries()) {
    const body = { model_id: 'tiny-test', endpoint_id: endpoint.id, prompt, name: `Run ${i + 1}`, max_tokens: 8, tags: i === 0 ? ['sea'] : [] }
    const run = await api(program.url, '/benchmarks?wait=60s', send('POST', body))
    assert.equal(run.status, 'completed', JSON.stringify(run.error))
    ids.push(run.job_id)
  }
  await until(async () => (await api(program.url, '/search?q=lighthouse')).indexing === 0, 30_000, 'the texts are indexed')
})
after(async () => {
  await browser?.close()
  await server?.stop()
  await program?.stop()
})

const withPage = (work, options) => onPage(browser, work, options)

const names = (page) => page.locator('main tbody .m').evaluateAll((cells) => cells.map((c) => c.title))

test('a word of a prompt finds its runs and shows where it stands', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  await page.getByRole('searchbox').fill('lighthouse')
  await until(async () => (await names(page)).length === 2, 20_000, 'two runs are found')
  assert.deepEqual(await names(page), ['Run 2', 'Run 1'])
  await until(async () => (await page.locator('main mark').count()) === 2, 20_000, 'both show where')
  assert.equal(await page.locator('main mark').first().textContent(), 'lighthouse')
  await shoot(page, 'search')
  assert.deepEqual(await axe(page), [])
}))

test('counts stand beside the values of a filter', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  await page.getByLabel(/^Tag: /).click()
  const option = page.getByRole('option', { name: /sea/ })
  await option.waitFor(QUICK)
  assert.match(await option.textContent(), /sea\s*1$/)
  await shoot(page, 'facets')
  await option.click()
  await until(async () => (await names(page)).join() === 'Run 1', 20_000, 'one run is left')
}))

test('a view is kept, renamed, deleted and taken back', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  await page.getByRole('searchbox').fill('sky')
  await page.getByRole('button', { name: 'Save view' }).click()
  await page.getByLabel('Name of the view').fill('Blue ones')
  await page.keyboard.press('Enter')
  const chip = page.getByRole('button', { name: 'Blue ones', exact: true })
  await chip.waitFor(QUICK)
  assert.equal(await chip.getAttribute('aria-pressed'), 'true')
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await until(async () => (await names(page)).length === 3, 20_000, 'all are shown')
  await chip.click()
  await until(async () => (await names(page)).join() === 'Run 3', 20_000, 'the view is shown')
  await page.getByRole('button', { name: 'View Blue ones' }).click()
  await page.getByRole('menuitem', { name: 'Rename view' }).click()
  await page.getByLabel('Name of the view').fill('Skies')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: 'Skies', exact: true }).waitFor(QUICK)
  await shoot(page, 'views')
  await page.getByRole('button', { name: 'View Skies' }).click()
  await page.getByRole('menuitem', { name: 'Delete view' }).click()
  await page.getByRole('button', { name: 'Undo' }).click()
  await until(async () => (await api(program.url, '/views')).map((v) => v.name).join() === 'Skies', 20_000, 'the view is back')
  assert.deepEqual(await axe(page), [])
}))

test('the palette finds texts', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('lighthouse')
  const hit = page.getByRole('option', { name: /Run 1/ })
  await hit.waitFor(QUICK)
  await shoot(page, 'palette')
  await hit.click()
  await page.waitForURL(new RegExp(`#/runs/${ids[0]}`), QUICK)
}))

test('the trash gives back and deletes for good', { timeout: 120_000 }, () => withPage(async (page) => {
  await api(program.url, `/benchmarks/${ids[0]}`, send('DELETE'))
  await api(program.url, `/benchmarks/${ids[1]}`, send('DELETE'))
  await visit(page, program.url, '#/results')
  await page.getByRole('button', { name: 'Trash', exact: true }).click()
  const row = page.getByRole('row', { name: /Run 1/ })
  await row.waitFor(QUICK)
  await shoot(page, 'trash')
  assert.deepEqual(await axe(page), [])
  await row.getByRole('button', { name: 'Restore' }).click()
  await until(async () => (await api(program.url, `/benchmarks/${ids[0]}`)).deleted_at === null, 20_000, 'Run 1 is back')
  await page.getByRole('button', { name: /^Empty trash/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
  await page.getByText('The trash is empty.').waitFor(QUICK)
  assert.equal((await fetch(`${program.url}/api/v1/benchmarks/${ids[1]}`)).status, 404)
}))

test('settings show the storage, what rules would free, and backups', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/settings')
  await page.getByRole('heading', { name: /^Storage/ }).scrollIntoViewIfNeeded()
  await page.getByRole('cell', { name: /Prompts and outputs/ }).waitFor(QUICK)
  await page.getByRole('button', { name: 'Back up now' }).click()
  await page.getByText('Made by hand').waitFor(QUICK)
  await page.getByLabel('Delete prompts and outputs of runs older than').fill('30')
  await page.getByText('Nothing to delete now').first().waitFor(QUICK)
  await page.getByRole('button', { name: 'Restore', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click()
  await page.getByText(/takes the place of the database when/).waitFor(QUICK)
  await shoot(page, 'storage')
  assert.deepEqual(await axe(page), [])
  await page.getByRole('button', { name: 'Keep the database' }).click()
  await until(async () => (await api(program.url, '/storage')).pending_restore === '', 20_000, 'the database stays')
  await page.getByRole('button', { name: 'Compact' }).click()
  await page.getByText(/The database took/).waitFor(QUICK)
}))
