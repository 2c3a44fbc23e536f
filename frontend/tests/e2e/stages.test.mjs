// A sweep against a small server: its bar while it measures, its curve, its stages and its figures as other tools say them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { api, axe, openPage, send, startBrowser, startProgram, until, visit } from './program.mjs'
import { startServer } from './fakeserver.mjs'

let server
let program
let browser
let endpoint
let model
let sweep

before(async () => {
  server = await startServer([0], { failEvery: 9 })
  program = await startProgram()
  browser = await startBrowser()
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Fake', base_url: server.url, kind: 'openai' }))
  model = await until(async () => (await api(program.url, '/models')).find((m) => m.endpoint_id === endpoint.id), 30_000, 'the model of the endpoint')
  sweep = await api(program.url, '/benchmarks?wait=120s', send('POST', asks({ load: { kind: 'sweep', values: [1, 2, 4] }, stop: { requests: 8 }, slo: 'ttft<2000ms' })))
  assert.equal(sweep.status, 'completed', JSON.stringify(sweep.error))
})
after(async () => {
  await browser?.close()
  await program?.stop()
  await server?.stop()
})

const asks = (more) => ({ model_id: model.id, endpoint_id: endpoint.id, prompt: 'Hello', max_tokens: 12, ...more })

async function withPage(work) {
  const { page, faults, close } = await openPage(browser)
  try {
    await work(page)
    assert.deepEqual(faults, [])
  } finally {
    await close()
  }
}

test('a sweep shows its stages, its curve and the table of the curve', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${sweep.job_id}`)
  await page.getByText(/tokens per second at \d users?/).first().waitFor()
  const rows = page.getByRole('group', { name: 'Each stage' }).locator('tbody tr')
  assert.equal(await rows.count(), 3)
  const curve = page.getByRole('img', { name: /Throughput against latency: 1: .*; 2: .*; 4: / })
  await curve.waitFor()
  await page.getByRole('button', { name: 'Chart menu: Throughput against latency' }).or(page.getByLabel('Chart menu: Throughput against latency')).first().click()
  await page.getByRole('menuitem', { name: 'Show as table' }).click()
  const twin = page.getByRole('group', { name: 'Throughput against latency' })
  assert.equal(await twin.locator('tbody tr').count(), 3)
  assert.equal(await curve.count(), 0)
}))

test('the stage that is chosen narrows figures and requests', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${sweep.job_id}`)
  const pick = page.getByRole('group', { name: 'Which stage the figures are of' })
  const figure = () => page.locator('section[aria-label="Headline figures"]').innerText()
  await pick.getByRole('button', { name: /^1 user/ }).click()
  const one = await figure()
  await pick.getByRole('button', { name: /^4 users/ }).click()
  assert.notEqual(await figure(), one)
  await page.getByRole('tab', { name: /Requests/ }).click()
  const measured = sweep.summary.stages.find((s) => s.concurrency === 4).summary.requests
  await page.getByRole('tab', { name: new RegExp(`Requests\\s*${measured.ok + measured.error}`) }).waitFor()
  await pick.getByRole('button', { name: 'All stages' }).click()
  const all = sweep.summary.requests
  await page.getByRole('tab', { name: new RegExp(`Requests\\s*${all.ok + all.error + 1}`) }).waitFor()
}))

test('a result says what limited it, and why it has no energy', { timeout: 120_000 }, () => withPage(async (page) => {
  assert.ok(sweep.bottleneck, 'a run with figures has a limit or says that none was found')
  await visit(page, program.url, `#/runs/${sweep.job_id}`)
  const panel = page.locator('#detail-panel')
  await page.getByRole('tab', { name: 'Bottleneck' }).click()
  await panel.getByText(sweep.bottleneck.sentence).first().waitFor()
  assert.deepEqual(await axe(page), [])
  await page.getByRole('tab', { name: 'Energy' }).click()
  await panel.getByText('No energy was measured.').waitFor()
  assert.deepEqual(await axe(page), [])
}))

test('failed requests are found by their class', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${sweep.job_id}?tab=requests&stage=`)
  const failed = sweep.summary.error_classes.rate_limited
  assert.ok(failed > 0, JSON.stringify(sweep.summary.error_classes))
  await page.getByLabel(/^Which requests:/).click()
  await page.getByRole('option', { name: /^rate limited/ }).click()
  await until(async () => (await page.getByRole('group', { name: 'Requests' }).locator('tbody tr').count()) === failed, 10_000, 'only the refused ones')
}))

test('the figures are said as other tools say them', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${sweep.job_id}?tab=raw`)
  const table = page.getByRole('group', { name: 'Say it as another tool' })
  await table.getByText('mean_ttft_ms', { exact: true }).waitFor()
  const { lenses } = await api(program.url, `/benchmarks/${sweep.job_id}/report`)
  const other = lenses.find((l) => l.tool === 'llmperf')
  await page.getByRole('button', { name: 'llmperf', exact: true }).click()
  await table.getByText(other.rows[0].key, { exact: true }).waitFor()
  assert.equal(await table.locator('tbody tr').count(), other.rows.length)
}))

test('a row of the results opens to its stages', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  const table = page.getByRole('group', { name: 'Results' })
  await table.getByText('sweep ×3').waitFor()
  const closed = await table.locator('tbody tr').count()
  await table.getByRole('button', { name: /^Show the 3 stages/ }).click()
  assert.equal(await table.locator('tbody tr').count(), closed + 3)
  await table.getByText('4 users').click()
  await page.waitForURL(/stage=2/)
  await page.getByRole('button', { name: /^4 users/, pressed: true }).waitFor()
}))

test('the bar shows which stage is measured', { timeout: 180_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/')
  const run = await api(program.url, '/benchmarks', send('POST', asks({ load: { kind: 'sweep', values: [1, 3] }, stop: { duration_s: 6 } })))
  await page.goto(`${program.url}/#/live/${run.job_id}`)
  const bar = page.getByRole('img', { name: /1 user: / })
  await page.getByText('stage 1 of 2').first().waitFor({ timeout: 60_000 })
  assert.match(await bar.getAttribute('aria-label'), /1 user: now; 3 users: to come/)
  await page.getByText('Figures of this stage: 3 users').waitFor({ timeout: 60_000 })
  assert.match(await bar.getAttribute('aria-label'), /1 user: done; 3 users: now/)
  await page.getByText('Stage 2 begins: 3 users').waitFor()
  await page.locator('li[data-kind=stage]', { hasText: 'Stage 1 begins: 1 user' }).getByText(/tok\/s · TTFT .* · n \d/).waitFor()
  await page.getByText('3 of 3').waitFor({ timeout: 30_000 })
  await page.getByRole('link', { name: 'Open the result' }).waitFor({ timeout: 60_000 })
}))
