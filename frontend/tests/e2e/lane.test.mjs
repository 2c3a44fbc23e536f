// Charts of a run and of the machine: the lane of events, one crosshair, phases, tables of what is in sight. The GPU is
// the stand-in of the telemetry tests, which plays a curve: it works, is held at its power limit, then by heat.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer } from './fakeserver.mjs'
import { api, axe, openPage, send, startBrowser, startProgram, until, visit } from './program.mjs'

const stub = resolve(import.meta.dirname, '../../../backend/telemetry/testdata/nvmlstub.c')
/** Milliseconds, use, memory, power, heat, clock, reasons: 4 is the power limit, 32 heat. The run begins after the first readings. */
const curve = ['0,96,6200,300000,60,1900,0', '7000,97,6200,349000,72,1800,4', '10000,97,6200,300000,83,1700,32', '13000,97,6200,318000,66,1895,0']

let folder
let server
let program
let browser
let run

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inferometer-gpu-'))
  execFileSync('gcc', ['-shared', '-fPIC', '-o', join(folder, 'libnvidia-ml.so.1'), stub])
  await writeFile(join(folder, 'curve'), curve.join('\n'))
  server = await startServer([0])
  browser = await startBrowser()
  program = await startProgram({ LD_LIBRARY_PATH: folder, STUB_CURVE: join(folder, 'curve') })
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Fake', base_url: server.url, kind: 'openai' }))
  const model = await until(async () => (await api(program.url, '/models')).find((m) => m.endpoint_id === endpoint.id), 30_000, 'the model of the endpoint')
  asks = { model_id: model.id, endpoint_id: endpoint.id, prompt: 'Hello', max_tokens: 24 }
})
after(async () => {
  await browser?.close()
  await program?.stop()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

let asks
const job = (id) => api(program.url, `/benchmarks/${id}`)
const lane = (page) => page.getByRole('group', { name: 'Event lane' })

async function withPage(work) {
  const { page, faults, close } = await openPage(browser)
  try {
    await work(page)
    assert.deepEqual(faults, [])
  } finally {
    await close()
  }
}

/** Where each chart's crosshair stands, as a share of its width to one percent; null where it shows none. */
const hairs = (page) => page.locator('main .u-over').evaluateAll((all) => all.map((over) => {
  const line = over.querySelector('.u-cursor-x')
  const x = Number(/translate\((-?[\d.]+)px/.exec(line?.style.transform ?? '')?.[1] ?? NaN)
  return !line || line.classList.contains('u-off') || !(x >= 0) ? null : Math.round((x / over.clientWidth) * 100)
}))

async function together(page, what) {
  return until(async () => {
    const all = await hairs(page)
    return all.length > 3 && all.every((x) => x !== null && Math.abs(x - all[0]) <= 1) ? all : null
  }, 10_000, what)
}

test('Live numbers what happens, and its marks, list and charts point at the same moment', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/live')
  run = await api(program.url, '/benchmarks', send('POST', { ...asks, load: { kind: 'sweep', values: [1, 2] }, stop: { duration_s: 8 } }))
  const held = lane(page).getByRole('button', { name: /GPU clock held down: power limit/ })
  const hot = lane(page).getByRole('button', { name: /GPU clock held down: heat/ })
  await held.waitFor({ timeout: 40_000 })
  await hot.waitFor({ timeout: 40_000 })
  await lane(page).getByRole('button', { name: /Stage 2 begins: 2 users/ }).waitFor({ timeout: 30_000 })
  const list = page.getByRole('group', { name: 'Events', exact: true })
  for (const text of ['GPU clock held down: power limit', 'Stage 1 begins: 1 user', 'Stage 2 begins: 2 users']) await list.getByRole('button', { name: text }).waitFor()
  const number = await list.getByRole('listitem').filter({ hasText: 'power limit' }).locator('b').innerText()
  assert.match(await held.getAttribute('aria-label'), new RegExp(`^(\\d+–)?${number}`), 'the list has the number of the mark')
  assert.deepEqual(await axe(page), [])

  const marks = lane(page).getByRole('button')
  await marks.first().focus()
  await page.keyboard.press('End')
  const last = await page.evaluate(() => document.activeElement.getAttribute('aria-label'))
  await page.keyboard.press('ArrowLeft')
  const before = await page.evaluate(() => document.activeElement.getAttribute('aria-label'))
  assert.notEqual(before, last, 'an arrow key goes to the mark before')
  await page.getByRole('tooltip').waitFor()
  await together(page, 'the charts point at the mark')

  await page.locator('main .u-over').nth(2).hover({ position: { x: 60, y: 30 } })
  const [x] = await together(page, 'the charts point where one of them is hovered')
  await page.getByRole('region', { name: 'Charts' }).focus()
  await page.keyboard.press('Shift+ArrowRight')
  await until(async () => (await hairs(page)).every((at) => at !== null && at >= x + 8), 5000, 'an arrow key moves the crosshair of every chart')
}))

test('a chosen event is looked at closely, and all comes back', { timeout: 120_000 }, () => withPage(async (page) => {
  await until(async () => (await job(run.job_id)).status === 'completed', 60_000, 'the run ends')
  await visit(page, program.url, `#/runs/${run.job_id}?tab=hardware`)
  const rows = page.getByRole('table').last().locator('tbody tr')
  const power = rows.filter({ hasText: /^Power/ }).locator('td')
  await power.first().waitFor()
  const [, min, mean, max, last, n] = await power.allInnerTexts()
  assert.deepEqual([min, max, last].map((s) => s.replace(/\s/g, ' ')), ['300 W', '349 W', '318 W'])
  assert.match(mean, /^3[0-4]\d/)
  await page.getByRole('img', { name: /^Use of \d+ cores over the run/ }).or(page.getByText('100 % is one core')).first().waitFor()
  await lane(page).getByRole('button', { name: /held down: heat/ }).click()
  await lane(page).getByRole('button', { name: 'Show all' }).waitFor()
  const narrow = await until(async () => {
    const cells = await power.allInnerTexts()
    return Number(cells[5]) < Number(n) ? cells : null
  }, 10_000, 'the table follows what is in sight')
  assert.notEqual(narrow[2], mean)
  assert.deepEqual(await axe(page), [])
  await lane(page).getByRole('button', { name: 'Show all' }).click()
  await until(async () => (await power.last().innerText()) === n, 10_000, 'the whole run is back')
  await page.getByRole('group', { name: 'Events', exact: true }).getByRole('button', { name: /held down: power limit/ }).click()
  await lane(page).getByRole('button', { name: 'Show all' }).waitFor()
}))

test('a claim with a time and the steady speed lead to their stretch', { timeout: 120_000 }, () => withPage(async (page) => {
  const known = await job(run.job_id)
  const start = known.summary.stages[0].start_us
  const claim = { about: 'thermal', claim: 'The clock fell.', value: 1700, limit: 1900, unit: 'MHz', from_us: start + 2e6, to_us: start + 4e6 }
  const steady = { burst_tokens_per_second: 30, sustained_tokens_per_second: 20, loss_percent: 33, reached: true, time_to_steady_s: 4, steady_from_us: start + 4e6, sentence: 'It slowed.' }
  const told = { ...known, bottleneck: { ...known.bottleneck, evidence: [claim] }, summary: { ...known.summary, steady } }
  await page.route(`**/api/v1/benchmarks/${run.job_id}`, (route) => route.fulfill({ json: told }))
  await page.route('**/api/v1/benchmarks?*', (route) => route.fulfill({ json: [] }))
  for (const name of [/^Show \d+:\d\d to \d+:\d\d$/, /^Show from \d+:\d\d on$/]) {
    await visit(page, program.url, `#/runs/${run.job_id}?tab=bottleneck`)
    await page.locator('#detail-panel').getByRole('button', { name }).click()
    await page.getByRole('tab', { name: 'Hardware', selected: true }).waitFor()
    await lane(page).getByRole('button', { name: 'Show all' }).waitFor()
    await page.goto('about:blank')
  }
}))

test('Hardware says what limited the GPU and least, mean, largest and last of each line', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/hardware')
  const card = (title) => page.locator('section').filter({ has: page.getByRole('heading', { name: title }) })
  await card('What limited the GPU').getByText('power limit').waitFor()
  await card('What limited the GPU').getByText('heat (driver)').waitFor()
  await page.getByRole('img', { name: /^Use of \d+ cores over the last 5 min/ }).waitFor()
  const cells = await until(async () => {
    const row = await card('Readings in sight').getByRole('row', { name: /^GPU power/ }).getByRole('cell').allInnerTexts()
    return row.length === 5 ? row : null
  }, 20_000, 'the row of the power')
  assert.deepEqual(cells.map((c) => c.replace(/\s/g, ' ')).filter((_, i) => i !== 2), ['W', '300', '349', '318'])
  await page.getByRole('group', { name: 'Charts', exact: true }).focus()
  await page.keyboard.press('ArrowLeft')
  await together(page, 'a key moves the crosshair of every chart')
  for (const minutes of ['1', '15', '60']) {
    await page.getByRole('button', { name: `${minutes} min`, exact: true }).click()
    await page.getByText(`last ${minutes} min`, { exact: true }).first().waitFor()
  }
  assert.deepEqual(await axe(page), [])
}))

test('in quiet mode nothing is drawn while a run measures, and all of it afterwards', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/live')
  const { job_id: id } = await api(program.url, '/benchmarks', send('POST', { ...asks, load: { kind: 'single' }, stop: { duration_s: 6 } }))
  await page.goto(`${program.url}/#/live/${id}`)
  await page.getByText('Quiet', { exact: true }).click()
  await page.getByRole('heading', { name: 'Quiet while measuring' }).or(page.getByText('Quiet while measuring')).first().waitFor({ timeout: 30_000 })
  assert.equal(await page.locator('main canvas').count(), 0)
  assert.equal(await lane(page).count(), 0)
  await until(async () => (await job(id)).status === 'completed', 60_000, 'the run ends')
  await lane(page).getByRole('button', { name: /Measuring started/ }).waitFor({ timeout: 10_000 })
  assert.ok((await page.locator('main canvas').count()) > 3)
}))
