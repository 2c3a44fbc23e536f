// Markup in names, prompts, outputs and addresses is shown as text and runs nowhere, on any screen; and the pages work
// under their content security policy.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { api, openPage, send, startBrowser, startProgram, until, visit } from './program.mjs'

const evil = `<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>`
const output = `<svg onload="window.pwned=3"></svg>[a](javascript:window.pwned=4)`
let program, browser, server, endpoint, run

before(async () => {
  program = await startProgram()
  browser = await startBrowser()
  server = createServer((req, res) => {
    if (req.method === 'GET') return res.end(JSON.stringify({ object: 'list', data: [{ id: evil, object: 'model' }] }))
    res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (let i = 0; i < 4; i++) res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: output } }] })}\n\n`)
    res.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true, currency: '<b>€</b>' }))
  endpoint = await api(program.url, '/endpoints', send('POST', { name: evil, base_url: `http://127.0.0.1:${server.address().port}` }))
  run = await api(program.url, '/benchmarks?wait=60s', send('POST', { model_id: evil, endpoint_id: endpoint.id, prompt: evil, name: evil, notes: evil, tags: ['<i>tag</i>'], max_tokens: 16, stop: { requests: 2 } }))
  assert.equal(run.status, 'completed', JSON.stringify(run.error))
  await api(program.url, '/views', send('POST', { name: evil.slice(0, 60), filters: { text: evil } }))
  await api(program.url, `/datasets?name=${encodeURIComponent(evil)}`, send('POST', [{ prompt: evil }]))
  await until(async () => (await api(program.url, '/search?q=onerror')).indexing === 0, 30_000, 'the texts are indexed')
})
after(async () => {
  await browser?.close()
  server?.close()
  server?.closeAllConnections()
  await program?.stop()
})

/** Opens a page, does something with it, and holds it to have run nothing and complained of nothing. */
async function harmless(work) {
  const { page, faults, close } = await openPage(browser)
  try {
    await work(page)
    assert.equal(await page.evaluate(() => window.pwned), undefined)
    assert.equal(await page.locator('img[src=x]').count(), 0, 'markup became an element')
    assert.deepEqual(faults, [])
  } finally {
    await close()
  }
}

const screens = ['#/', '#/new', '#/results', '#/models', '#/datasets', '#/engines', '#/api', '#/settings', '#/results?q=<img src=x onerror=window.pwned=5>']

for (const hash of screens) {
  test(`${hash} shows markup as text`, { timeout: 120_000 }, () => harmless((page) => visit(page, program.url, hash)))
}

test('the run shows name, prompt and output as they are', { timeout: 120_000 }, () => harmless(async (page) => {
  await visit(page, program.url, `#/runs/${run.job_id}`)
  await page.getByText(evil).first().waitFor({ timeout: 20_000 })
  assert.match(await page.locator('main').innerText(), /<img src=x onerror="window\.pwned=1">/)
  for (const tab of await page.getByRole('tab').all()) {
    await tab.click()
    await page.locator('main [aria-busy=true]').first().waitFor({ state: 'detached', timeout: 30_000 })
  }
  await page.getByRole('tab', { name: 'Requests' }).click()
  await page.locator('main tbody tr').first().click()
  await page.getByText(output).first().waitFor({ timeout: 20_000 })
}))

test('a search shows what it found as text', { timeout: 120_000 }, () => harmless(async (page) => {
  await visit(page, program.url, '#/results')
  await page.getByRole('searchbox').fill('onerror')
  await page.locator('main mark').first().waitFor({ timeout: 20_000 })
}))

test('the documentation works under its policy', { timeout: 120_000 }, () => harmless(async (page) => {
  await page.goto(`${program.url}/docs`)
  await page.locator('details').first().waitFor({ timeout: 20_000 })
  assert.ok(await page.locator('details').count() > 50)
}))

test('an answer with markup opens as data', { timeout: 120_000 }, () => harmless(async (page) => {
  for (const path of [`/api/v1/benchmarks/${run.job_id}`, '/api/v1/endpoints', '/api/v1/views']) {
    const res = await page.goto(program.url + path)
    assert.equal(res.headers()['content-type'], 'application/json')
    assert.equal(await page.locator('svg').count(), 0)
  }
}))
