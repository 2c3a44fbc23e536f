// What a person does: starts a benchmark, watches it, opens the result, deletes it and takes it back.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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

async function withPage(work) {
  const { page, faults, close } = await openPage(browser)
  try {
    await work(page)
    assert.deepEqual(faults, [])
  } finally {
    await close()
  }
}

test('a benchmark is started, watched and opened', { timeout: 240_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/new')
  await page.getByLabel('Output length, at most').fill('96')
  await page.getByLabel('Requests', { exact: true }).fill('6')
  const start = page.getByRole('button', { name: /^Start/ })
  await until(() => start.isEnabled(), 30_000, 'Start is enabled')
  await page.keyboard.press('Control+Enter')
  await page.waitForURL(/#\/(live|runs)\//, { timeout: 30_000 })
  const id = page.url().split('/').pop()

  const chart = page.locator('main canvas').first()
  await chart.waitFor({ timeout: 60_000 })
  const picture = () => chart.evaluate((c) => c.toDataURL())
  const first = await picture()
  await until(async () => (await picture()) !== first, 60_000, 'the live chart moves')

  const ended = await until(async () => {
    const run = await api(program.url, `/benchmarks/${id}`)
    return run.status !== 'running' && run.status !== 'queued' ? run : null
  }, 180_000, 'the run ends')
  assert.equal(ended.status, 'completed', JSON.stringify(ended.error))
  assert.equal(ended.plan.max_tokens, 96)
  assert.equal(ended.summary.requests.ok, 6)

  await visit(page, program.url, `#/runs/${id}`)
  await page.getByText(/tokens per second/).first().waitFor({ timeout: 30_000 })

  await page.getByRole('tab', { name: 'Latency' }).click()
  await page.getByText('the 95 % interval', { exact: false }).first().waitFor()
  await page.getByText('Too few requests under one load', { exact: false }).first().waitFor()

  await visit(page, program.url, '#/models')
  await page.getByText(ended.environment.model.quantization).first().click()
  const card = page.getByRole('dialog').getByText('What if')
  await card.waitFor()
  await page.getByRole('slider', { name: 'Context behind each token' }).press('ArrowRight')
  await page.getByText(/1.024 tokens/).waitFor()
  await page.getByRole('dialog').getByText('Read for each token').waitFor()
}))

test('a refused value stands under its field', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/new')
  await page.getByRole('button', { name: 'Users', exact: true }).click()
  await page.getByLabel('Users at the same time').fill('50000')
  await page.getByRole('alert').filter({ hasText: '1 to 1' }).waitFor()
  assert.equal(await page.getByRole('button', { name: /^Start/ }).isDisabled(), true)
  await page.reload()
  await page.locator('main h1').waitFor()
  assert.equal(await page.getByLabel('Users at the same time').inputValue(), '50000', 'typed values survive leaving')
}))

test('a result is starred, deleted and taken back', { timeout: 120_000 }, () => withPage(async (page) => {
  const [run] = await api(program.url, '/benchmarks')
  await visit(page, program.url, '#/results')
  await page.getByRole('button', { name: /^Star/ }).last().click()
  await until(async () => (await api(program.url, `/benchmarks/${run.job_id}`)).pinned, 10_000, 'the star is kept')
  await page.getByRole('checkbox').first().check()
  await page.getByRole('button', { name: /^Delete/ }).click()
  await page.getByText('Deleted 1 run.').first().waitFor()
  assert.deepEqual(await api(program.url, '/benchmarks'), [])
  await page.getByRole('button', { name: 'Undo' }).click()
  await until(async () => (await api(program.url, '/benchmarks')).length === 1, 10_000, 'the run is back')
  await page.getByRole('checkbox').first().waitFor()
}))

test('a dataset is imported by paste, previewed and removed', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/datasets')
  await page.getByRole('button', { name: 'Import' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Contents').fill('{"prompt":"Olá, ação?"}\n{"prompt":"Two?"}')
  await dialog.getByLabel('Name').fill('Two questions')
  await dialog.getByText('2 prompts').waitFor()
  await dialog.getByRole('button', { name: 'Import' }).click()
  await page.getByText('Imported Two questions: 2 prompts.').first().waitFor()
  await page.getByRole('row', { name: /Two questions/ }).click()
  await page.getByText('Olá, ação?').waitFor()
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.getByRole('dialog').last().getByRole('button', { name: 'Remove' }).click()
  await until(async () => !(await api(program.url, '/datasets')).some((d) => d.name === 'Two questions'), 10_000, 'the dataset is gone')
}))

test('an endpoint that does not answer says so', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/engines')
  await page.getByRole('button', { name: 'Add endpoint' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Address').fill('http://127.0.0.1:9/v1')
  await dialog.getByRole('button', { name: 'Save and check' }).click()
  await dialog.getByRole('alert').waitFor({ timeout: 30_000 })
  assert.equal((await api(program.url, '/endpoints')).length, 1)
}))

test('the hardware screen shows moving charts and readable sensors', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/hardware')
  const chart = page.locator('main canvas').first()
  await chart.waitFor()
  const picture = () => chart.evaluate((c) => c.toDataURL())
  const first = await picture()
  await until(async () => (await picture()) !== first, 30_000, 'the chart moves')
  await page.getByRole('button', { name: 'Sensors' }).click()
  await page.getByRole('rowheader', { name: /CPU/ }).first().waitFor()
  for (const group of ['Memory', 'Disk', 'Network', 'GPU']) await page.getByRole('rowheader', { name: group, exact: true }).waitFor()
  const { sensors } = await api(program.url, '/system')
  for (const s of sensors.filter((x) => !x.available && !x.reason.includes('yet')).slice(0, 3)) await page.getByText(s.reason, { exact: true }).first().waitFor()
  assert.deepEqual(await axe(page), [])
}))
