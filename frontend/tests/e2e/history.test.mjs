// A figure is followed over weeks: series, the levels they keep to, what changed where a level did, and the runs before
// and after held against one another.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { around, bringPast, dice } from './past.mjs'
import { startAll, stopAll } from './measured.mjs'
import { api, axe, onPage, send, shoot, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server, endpoint
const base = { prompt: 'Where does the lighthouse stand?', max_tokens: 24, warmup: 0, stop: { requests: 3 } }

const measure = async (more = {}) => {
  const run = await api(program.url, '/benchmarks?wait=60s', send('POST', { ...base, model_id: 'tiny-test', endpoint_id: endpoint.id, ...more }))
  assert.equal(run.status, 'completed', JSON.stringify(run.error))
  return run
}

before(async () => {
  ;({ program, browser, server, endpoint } = await startAll())
})
after(() => stopAll({ program, browser, server }))

const withPage = (work, options, wanted) => onPage(browser, work, options, wanted)
const open = async (page, more = {}) => {
  await visit(page, program.url, `#/results?${new URLSearchParams({ view: 'trend', ...more })}`)
}

/** Weeks of nightly runs: a faster build, then a driver that is slower. */
function past() {
  const roll = dice(7)
  return Array.from({ length: 34 }, (_, i) => {
    const build = i < 13 ? 'b10434' : 'b11434'
    const driver = i < 25 ? '570.86' : '580.95'
    const level = i < 13 ? 1 : i < 25 ? 1.076 : 0.99
    return { days: 68 - 2 * i, speed: level * around(roll, 0.008), build, change: (r) => (r.environment.extra.gpu_driver = driver) }
  })
}

test('nothing measured twice is said, with the way to a benchmark', { timeout: 60_000 }, () => withPage(async (page) => {
  await open(page)
  await page.getByText('Nothing was measured twice yet.').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'trends-empty')
}))

test('a series shows its levels, and says of each change what changed with it', { timeout: 120_000 }, () => withPage(async (page) => {
  const first = await measure()
  await bringPast(program.url, first.job_id, past())
  const roll = dice(3)
  await bringPast(program.url, first.job_id, Array.from({ length: 9 }, (_, i) => ({ days: 20 - 2 * i, speed: 2 * around(roll, 0.01), build: 'b11434', change: (r) => (r.model = 'tiny-steady') })))
  await api(program.url, `/benchmarks/${first.job_id}`, { method: 'DELETE' })
  await open(page)
  const series = page.getByRole('list', { name: 'Series' })
  await series.getByRole('button', { name: /tiny-steady.*no change found/s }).waitFor(QUICK)
  await series.getByRole('button', { name: /tiny-test.*2 builds.*34 runs/s }).click()
  const changes = page.getByRole('region', { name: 'Changes of the level' }).or(page.locator('section', { hasText: 'Changes of the level' }))
  await changes.getByText(/^From [\d.]+ to [\d.]+\stok\/s \(\+[67]\.\d\s%; 95 % interval \+\d.*when the engine went from b10434 to b11434\./).waitFor(QUICK)
  await changes.getByText(/^From [\d.]+ to [\d.]+\stok\/s \(−[78]\.\d\s%.*when this changed: GPU driver 570\.86 → 580\.95\./).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'trends')
  const chart = page.getByRole('slider', { name: /tiny-test: Decode speed.*of 34 runs over time, 2 changes/ })
  await chart.focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  assert.match(await chart.getAttribute('aria-valuetext'), /^Run 2 of 34: [\d.]+\stok\/s, .*, b10434$/)
  await shoot(page, 'trends-run')
  await page.setViewportSize({ width: 1024, height: 640 })
  await shoot(page, 'trends-1024')
  assert.deepEqual(await axe(page), [])
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /Nightly 2/ }).waitFor(QUICK)
}))

test('the figure and the window are chosen, series are found, and the runs before and after compared', { timeout: 120_000 }, () => withPage(async (page) => {
  await open(page)
  const series = page.getByRole('list', { name: 'Series' })
  await page.getByRole('textbox', { name: /Search/ }).fill('nowhere')
  await page.getByText('Nothing matches “nowhere”.').waitFor(QUICK)
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.getByRole('textbox', { name: /Search/ }).fill('b10434')
  await until(async () => (await series.getByRole('button').count()) === 1, 20_000, 'one series has the build')
  await page.getByLabel(/^Figure:/).click()
  await page.getByRole('option', { name: /Time to first token, median/ }).click()
  await page.getByRole('slider', { name: /Time to first token.*2 changes/ }).waitFor(QUICK)
  await page.getByRole('button', { name: '30 days' }).click()
  await page.getByRole('textbox', { name: /Search/ }).fill('')
  await series.getByRole('button', { name: /tiny-test.*14 runs/s }).waitFor(QUICK)
  await page.getByRole('button', { name: 'All', exact: true }).click()
  await series.getByRole('button', { name: /tiny-test/ }).click()
  await page.getByRole('button', { name: 'Compare before and after' }).first().click()
  const verdict = page.getByRole('region', { name: 'Verdict' })
  await verdict.getByText(/^b11434 \(after\) is faster than b10434 \(before\): \+[67]\.\d/).waitFor(QUICK)
  await page.getByText('b10434', { exact: true }).first().waitFor(QUICK)
  await shoot(page, 'trends-compare')
}))

test('a run that is far slower than its history is told of, seen to, and taken back', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/')
  server.pace.factor = 3
  const slow = await measure({ name: 'after the update' })
  server.pace.factor = 1
  const speed = (all) => all.find((a) => a.metric === 'decode_tokens_per_second')
  const alert = await until(async () => speed(await api(program.url, '/alerts?open=true')), 20_000, 'there is an alert')
  assert.deepEqual([alert.kind, alert.verdict, alert.since_job_id], ['run', 'worse', slow.job_id])
  await page.getByText('A figure got worse').first().waitFor(QUICK)
  await shoot(page, 'alert-home')
  assert.deepEqual(await axe(page), [])
  const list = page.getByRole('region', { name: 'Alerts' })
  const item = list.getByRole('listitem').filter({ hasText: /Decode speed of tiny-test: one run at [\d.]+.*instead of [\d.]+ \(−\d+\s%\)/ })
  await item.getByRole('button', { name: 'Show' }).click()
  await page.getByRole('slider', { name: /tiny-test/ }).waitFor(QUICK)
  await item.waitFor(QUICK)
  await shoot(page, 'alert-trends')
  assert.deepEqual(await axe(page), [])
  await item.getByRole('button', { name: 'Acknowledge' }).click()
  await item.waitFor({ state: 'detached', ...QUICK })
  await page.getByRole('button', { name: 'Undo' }).click()
  await item.waitFor(QUICK)
  await api(program.url, `/benchmarks/${slow.job_id}`, { method: 'DELETE' })
}))

test('a new build of the engine is offered to be measured, started from there or put off', { timeout: 60_000 }, () => withPage(async (page) => {
  const build = (id, number, more) => ({ id, build: number, source: 'a test', sha256: id, chosen: false, runs: 0, last_run_at: null, ...more })
  const asked = []
  await page.route('**/api/v1/builds', (r) => r.fulfill({ json: { watch: 'ask', items: [build('b11434-cpu', 'b11434', { chosen: true }), build('b10434-cpu', 'b10434', { runs: 12 })],
    offer: { old: 'b10434-cpu', new: 'b11434-cpu', model_id: 'smollm2-135m', runs: 32 } } }))
  await page.route('**/api/v1/builds/measure', (r) => {
    asked.push(r.request().postDataJSON())
    return r.fulfill({ status: 409, contentType: 'application/problem+json', json: { status: 409, detail: 'A test says no.' } })
  })
  await visit(page, program.url, '#/engines')
  const offer = page.getByRole('region', { name: 'New build of the engine' })
  await offer.getByText(/Build b11434 has no runs yet\. Measure it against b10434 with .*32 short runs/).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'build-offer')
  await offer.getByRole('button', { name: 'Measure the new build' }).click()
  await page.getByText('A test says no.').waitFor(QUICK)
  assert.deepEqual(asked, [{}])
  await offer.getByRole('button', { name: 'Not now' }).click()
  await offer.waitFor({ state: 'detached', ...QUICK })
  await page.reload()
  await page.getByText('llama-server').first().waitFor(QUICK)
  assert.equal(await offer.count(), 0)
}, {}, /Failed to load resource.* 409 /))

test('trends are in Portuguese too', { timeout: 60_000 }, () => withPage(async (page) => {
  await api(program.url, '/settings', send('PATCH', { language: 'pt-BR' }))
  await open(page, { metric: 'decode_tokens_per_second' })
  await page.getByRole('list', { name: 'Séries' }).getByRole('button', { name: /tiny-test/ }).click()
  await page.getByText(/^De [\d,]+ para [\d,]+\stok\/s .*quando o motor passou de b10434 para b11434\./).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'trends-pt')
}))
