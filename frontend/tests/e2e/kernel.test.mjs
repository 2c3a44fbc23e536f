// What is planned and prepared on screen: a sweep, the preview of an import, a server that was found.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startServer } from './fakeserver.mjs'
import { api, axe, openPage, send, startBrowser, startProgram, until, visit } from './program.mjs'

let program
let browser

before(async () => {
  program = await startProgram()
  browser = await startBrowser()
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
})
after(async () => {
  await browser?.close()
  await program?.stop()
})

async function withPage(work, allowed = /^$/, look = {}) {
  const { page, faults, close } = await openPage(browser, look)
  try {
    await work(page)
    assert.deepEqual(faults.filter((f) => !allowed.test(f)), [])
  } finally {
    await close()
  }
}

test('a sweep with objectives and made prompts is sent as it is planned', { timeout: 120_000 }, () => withPage(async (page) => {
  let body = null
  await page.route('**/api/v1/benchmarks', (route) => {
    if (route.request().method() !== 'POST') return route.continue()
    body = route.request().postDataJSON()
    return route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({
      title: 'Unprocessable', status: 422, detail: 'Some values are not valid.', errors: [{ location: 'body.load.values[1]', message: 'must be a whole number from 1 to 10000' }] }) })
  })
  await visit(page, program.url, '#/new')
  await page.getByRole('button', { name: 'Made prompts' }).click()
  await page.getByRole('group', { name: 'Prompt length' }).getByRole('button', { name: 'Log-normal' }).click()
  await page.getByLabel('Shared beginning').fill('256')
  await page.getByRole('button', { name: 'Sweep', exact: true }).click()
  const values = page.getByLabel('Users of each stage')
  await values.fill('16')
  await values.press('Enter')
  await page.getByRole('button', { name: 'Remove 1', exact: true }).click()
  await page.getByLabel('Time', { exact: true }).fill('3')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByLabel('Below').fill('400')
  await page.getByRole('button', { name: 'Warm', exact: true }).click()
  const start = page.getByRole('button', { name: /^Start/ }).first()
  await until(() => start.isEnabled(), 30_000, 'Start is enabled')
  await page.getByText('4 stages').waitFor()
  await page.getByRole('button', { name: 'Command line' }).click()
  await page.getByText('--load sweep:2,4,8,16', { exact: false }).waitFor()
  await start.click()
  await page.getByRole('alert').filter({ hasText: 'must be a whole number' }).first().waitFor()
  assert.deepEqual(body.load, { kind: 'sweep', values: [2, 4, 8, 16] })
  assert.deepEqual(body.stop, { duration_s: 3 })
  assert.deepEqual(body.slo, [{ metric: 'ttft', percentile: 95, below_ms: 400 }])
  assert.deepEqual(body.synthetic, { input_tokens: { kind: 'lognormal', mean: 512, stddev: 128 }, shared_prefix_tokens: 256 })
  assert.equal(body.prompt_cache, 'on')
  assert.equal('prompt' in body, false)
}, /422/))

for (const look of [{ scheme: 'dark' }, { scheme: 'light', width: 1024, height: 640, locale: 'pt-BR' }]) {
  test(`every kind of load and the made prompts are drawn without faults, ${look.scheme}`, { timeout: 180_000 }, () => withPage(async (page) => {
    await visit(page, program.url, '#/new')
    const kinds = page.getByRole('group', { name: /^(Load|Carga)$/ }).getByRole('button')
    await page.getByRole('button', { name: /Made prompts|Prompts gerados/ }).click()
    await page.getByRole('button', { name: /^(Add|Adicionar)$/ }).last().click()
    for (let i = 0; i < await kinds.count(); i++) {
      await kinds.nth(i).click()
      assert.deepEqual(await axe(page), [], await kinds.nth(i).innerText())
      const over = await page.evaluate(() => document.querySelector('.page').scrollWidth - document.querySelector('.page').clientWidth)
      assert.ok(over <= 0, `${await kinds.nth(i).innerText()}: ${over} px too wide`)
    }
    assert.equal(await kinds.count(), 8)
  }, /^$/, look))
}

test('what the form sends for each kind of load is accepted', { timeout: 180_000 }, () => withPage(async (page) => {
  for (const [name, kind, many] of [['Rate', 'poisson', 1], ['Ramp', 'ramp', 1], ['Sweep', 'sweep', 4], ['Find the limit', 'knee', 1]]) {
    await visit(page, program.url, '#/new')
    await page.getByRole('button', { name, exact: true }).click()
    const start = page.getByRole('button', { name: /^Start/ }).first()
    await until(() => start.isEnabled(), 30_000, 'Start is enabled')
    await start.click()
    await page.waitForURL(/#\/(live|runs)\//, { timeout: 30_000 })
    const id = page.url().split('/').pop()
    const run = await api(program.url, `/benchmarks/${id}`)
    assert.equal(run.plan.load.kind, kind)
    assert.equal(run.plan.stages.length, many)
    await api(program.url, `/benchmarks/${id}/cancel`, send('POST'))
    await until(async () => !['queued', 'running'].includes((await api(program.url, `/benchmarks/${id}`)).status), 30_000, 'the run ends')
  }
}))

test('stages of one’s own are put in order by keyboard, and what is typed under Advanced is sent', { timeout: 120_000 }, () => withPage(async (page) => {
  const body = async () => JSON.parse(/-d '(.*)'/s.exec(await page.getByText('curl -s').first().innerText())[1])
  const choose = async (field, option) => {
    await field.press('Enter')
    const wanted = page.getByRole('option', { name: option, exact: true })
    await until(async () => {
      if (await wanted.getAttribute('data-highlighted') !== null) return true
      await page.keyboard.press('ArrowDown')
      return false
    }, 10_000, `${option} is reached`)
    await page.keyboard.press('Enter')
  }
  await visit(page, program.url, '#/new')
  await page.getByRole('button', { name: 'Own stages' }).press('Enter')
  await page.getByRole('button', { name: 'Add a stage' }).press('Enter')
  await choose(page.getByLabel(/^Load of this stage/).last(), 'Rate, at random')
  await page.getByLabel('Requests per second').fill('20')
  await page.getByRole('button', { name: 'Move stage 3 up' }).press('Enter')
  await page.keyboard.press('Enter') // the focus went along with the stage
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move stage 1 down')
  await page.getByRole('button', { name: 'Remove stage 2' }).press('Enter')
  await page.getByLabel('Time', { exact: true }).fill('2')
  await page.getByLabel('Means known to ±').fill('5')
  await page.getByText('About this run only').waitFor()
  await page.getByRole('button', { name: /^Advanced/ }).press('Enter')
  await page.getByLabel('Under way, at most').fill('16')
  await choose(page.getByLabel(/^An arrival without a seat is/), 'sent late, from a queue')
  await choose(page.getByLabel(/^Chat template/), 'Never: the prompt as it stands')
  const sent = await body()
  assert.deepEqual(sent.stages, [{ load: { kind: 'poisson', rate_per_s: 20, max_in_flight: 16, overflow: 'queue' } }, { load: { kind: 'closed', concurrency: 4 } }])
  assert.deepEqual(sent.stop, { duration_s: 2, confidence_percent: 5 })
  assert.equal(sent.raw_completion, true)
  assert.equal('load' in sent, false)
  assert.deepEqual(await axe(page), [])
  const start = page.getByRole('button', { name: /^Start/ }).first()
  await until(() => start.isEnabled(), 30_000, 'Start is enabled')
  await start.click()
  await page.waitForURL(/#\/(live|runs)\//, { timeout: 30_000 })
  const id = page.url().split('/').pop()
  const { plan } = await api(program.url, `/benchmarks/${id}`)
  assert.deepEqual(plan.stages.map((s) => s.load.kind), ['poisson', 'closed'])
  assert.deepEqual([plan.stages[0].load.overflow, plan.stages[1].stop.confidence_percent, plan.raw_completion], ['queue', 5, true])
  await api(program.url, `/benchmarks/${id}/cancel`, send('POST'))
  await until(async () => !['queued', 'running'].includes((await api(program.url, `/benchmarks/${id}`)).status), 30_000, 'the run ends')
}))

test('an import is looked at first, and its bad line can be left out', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/datasets')
  await page.getByRole('button', { name: 'Import' }).first().click()
  const dialog = page.getByRole('dialog')
  const lines = [
    JSON.stringify({ messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'What is a mutex?' }, { role: 'assistant', content: 'A lock.' }, { role: 'user', content: 'And a semaphore?' }] }),
    '{"messages": "none"}',
    JSON.stringify({ messages: [{ role: 'user', content: 'Olá, ação?' }] }),
  ]
  await dialog.locator('input[type=file]').setInputFiles({ name: 'talks.jsonl', mimeType: 'application/x-ndjson', buffer: Buffer.from(lines.join('\n')) })
  await dialog.getByText('2 prompts').waitFor()
  await dialog.getByText('OpenAI messages').first().waitFor()
  await dialog.getByText('Line 2').waitFor()
  assert.equal((await api(program.url, '/datasets')).some((d) => d.name === 'talks'), false, 'a preview stores nothing')
  assert.deepEqual(await axe(page), [])
  await dialog.getByRole('button', { name: 'Import without the 1 bad line' }).click()
  await page.getByText('Imported talks: 2 prompts.').first().waitFor()
  await page.getByRole('row', { name: /talks/ }).click()
  await page.getByText('And a semaphore?').waitFor()
  await page.getByRole('figure', { name: /Length of the prompts/ }).waitFor()
}))

test('a server that runs here is found, added and checked', { timeout: 120_000 }, () => withPage(async (page) => {
  const server = await startServer()
  assert.ok(server, 'one of the usual ports is free')
  try {
    await visit(page, program.url, '#/engines')
    const row = page.getByRole('listitem').filter({ hasText: server.url.replace('/v1', '') }).first()
    await row.getByText('tiny-test').waitFor()
    await row.getByRole('button', { name: 'Add' }).click()
    await row.getByText('added').waitFor()
    const [endpoint] = await api(program.url, '/endpoints')
    assert.equal(endpoint.base_url, server.url)
    await page.getByRole('button', { name: 'Check', exact: true }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Streams token by token').waitFor({ timeout: 60_000 })
    assert.deepEqual(await axe(page), [])
    const check = await api(program.url, `/endpoints/${endpoint.id}/check`, send('POST', {}))
    assert.equal(await dialog.getByRole('listitem').count(), check.checks.length)
    assert.equal(check.checks.find((c) => c.code === 'streaming').state, 'ok')
  } finally {
    await server.stop()
  }
}))
