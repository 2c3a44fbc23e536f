// Runs are held against one another: chosen in the table, judged over runs, the baseline swapped, copied; and what
// has too few runs is measured in turns.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAll, stopAll } from './measured.mjs'
import { api, axe, onPage, send, shoot, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
const EACH = 4
let program, browser, server, endpoint
/** The runs of each kind, oldest first. */
const ids = { fast: [], slow: [], cold: [] }

const base = { prompt: 'Where does the lighthouse stand?', max_tokens: 24, warmup: 1, stop: { requests: 3 } }
const kinds = { fast: { model_id: 'tiny-test' }, slow: { model_id: 'tiny-slow' }, cold: { model_id: 'tiny-test', temperature: 0 } }

before(async () => {
  ;({ program, browser, server, endpoint } = await startAll())
  for (let i = 0; i < EACH; i++) {
    for (const [kind, more] of Object.entries(kinds)) {
      const run = await api(program.url, '/benchmarks?wait=60s', send('POST', { ...base, ...more, endpoint_id: endpoint.id }))
      assert.equal(run.status, 'completed', JSON.stringify(run.error))
      ids[kind].push(run.job_id)
    }
  }
})
after(() => stopAll({ program, browser, server }))

const withPage = (work, options, wanted) => onPage(browser, async (page) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await work(page)
}, options, wanted)

const comparison = (runs, more = {}) => `#/compare?${new URLSearchParams({ runs: runs.join(','), ...more })}`
const verdict = (page) => page.getByRole('region', { name: 'Verdict' })
const row = (page, name) => page.getByRole('table').first().getByRole('row', { name })

/** The runs that were measured alike are told from those alone that differ in their sampling. */
async function choose(page, runs) {
  for (const id of runs) {
    const { model } = await api(program.url, `/benchmarks/${id}`)
    await page.locator('tbody tr').nth(order.indexOf(id)).getByRole('checkbox', { name: `Select ${model}` }).check()
  }
}
let order = []

test('runs are chosen in the table and compared by C', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  order = (await api(program.url, '/benchmarks')).map((r) => r.job_id)
  await choose(page, ids.fast.slice(0, 1))
  assert.equal(await page.getByRole('button', { name: 'Compare' }).isDisabled(), true)
  await choose(page, [...ids.fast.slice(1), ...ids.slow])
  await page.getByRole('link', { name: /Compare/ }).waitFor(QUICK)
  await page.locator('tbody tr').first().focus()
  await page.keyboard.press('c')
  await page.waitForURL(/#\/compare\?runs=/, QUICK)
  await verdict(page).getByText(/^tiny-slow is slower than tiny-test: −\d/).waitFor(QUICK)
  await verdict(page).getByText('These runs were not measured in turns').waitFor(QUICK)
  await verdict(page).getByText(`95 % interval over runs: ${EACH} a side`).waitFor(QUICK)
  const decode = row(page, /Decode speed/)
  assert.match(await decode.textContent(), /±.*−\d+\u00a0%.*worse/s)
  await decode.getByText('worse').hover()
  await page.getByRole('tooltip').or(page.locator('.bubble')).first().waitFor(QUICK)
  assert.match(await page.locator('.bubble').first().textContent(), /p (=|<)/)
  await page.mouse.move(0, 0)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'compare')
}))

test('the baseline is swapped, and the comparison copied', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison([...ids.fast, ...ids.slow]))
  await page.getByRole('button', { name: /tiny-slow/, pressed: false }).click()
  await verdict(page).getByText(/^tiny-test is faster than tiny-slow: \+\d/).waitFor(QUICK)
  await page.waitForURL(/base=1/, QUICK)
  await row(page, /Time per output token/).getByRole('button').first().click()
  await page.getByRole('img', { name: /Every run: Time per output token/ }).waitFor(QUICK)
  await page.getByRole('button', { name: /Copy as Markdown/ }).click()
  await page.getByText('Copied').first().waitFor(QUICK)
  const text = await page.evaluate(() => navigator.clipboard.readText())
  assert.match(text, /^\*\*tiny-test is faster than tiny-slow/)
  assert.match(text, /\| Decode speed, tokens per second \| [\d.]+ ±\s[\d.]+ \|.*better \|/)
}))

test('three sides stand on one scale, and what differs is told', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison([...ids.fast, ...ids.slow, ...ids.cold]))
  await page.getByText('tiny-test · Temperature 0', { exact: true }).first().waitFor(QUICK)
  const differs = page.getByRole('table').nth(1)
  assert.match(await differs.getByRole('row', { name: /^Settings Temperature/ }).textContent(), /0\.7\s*0\.7\s*0\s*$/)
  assert.match(await differs.getByRole('row', { name: /^Model/ }).textContent(), /tiny-test\s*tiny-slow\s*tiny-test/)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'compare-three')
  await page.setViewportSize({ width: 1024, height: 640 })
  await shoot(page, 'compare-three-1024')
  assert.deepEqual(await axe(page), [])
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('button', { name: 'Remove tiny-slow' }).click()
  await until(async () => (await page.getByRole('button', { name: /^Remove / }).count()) === 0, 20_000, 'two sides are left')
}))

test('runs that were measured alike stand each for itself', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison(ids.fast.slice(0, 3)))
  await page.getByText('tiny-test C', { exact: true }).first().waitFor(QUICK)
  await verdict(page).getByText('Three runs a side allow a verdict').waitFor(QUICK)
  await page.getByText('are the same on all sides').waitFor(QUICK)
  await shoot(page, 'compare-each')
}, {}, /Failed to load resource.* 422 /))

test('what cannot be compared is said, and nothing chosen is no fault', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/compare')
  await page.getByText('Choose 2 to 8 runs.').waitFor(QUICK)
  await shoot(page, 'compare-empty')
  await visit(page, program.url, comparison([ids.fast[0], 'none']))
  await page.getByText('there is no such benchmark').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
}, {}, /Failed to load resource.* 422 /))

test('a run is compared from its own screen', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${ids.fast[0]}`)
  await page.getByRole('button', { name: /^Compare/ }).click()
  await page.getByText('1 selected').waitFor(QUICK)
  await page.evaluate((hash) => (location.hash = hash), `#/runs/${ids.slow[0]}`)
  await page.getByRole('heading', { name: /tiny-slow/ }).waitFor(QUICK)
  await page.getByRole('button', { name: /^Compare/ }).waitFor(QUICK)
  await page.keyboard.press('c')
  await verdict(page).getByText(/^tiny-slow against tiny-test/).waitFor(QUICK)
}))

test('the requests of the sides are drawn, and how small a difference matters is asked', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison([...ids.fast, ...ids.slow]))
  await page.getByRole('img', { name: /Decode speed: share of requests, tok\/s.*24 requests/ }).waitFor(QUICK)
  await page.getByRole('button', { name: 'Violin' }).click()
  await page.getByRole('img', { name: 'Decode speed: tok/s, 24 requests' }).waitFor(QUICK)
  await page.getByRole('button', { name: 'Bars' }).click()
  await verdict(page).getByText('No', { exact: true }).waitFor(QUICK)
  await page.getByRole('button', { name: /tiny-slow/, pressed: false }).click()
  await verdict(page).getByText('Yes', { exact: true }).waitFor(QUICK)
  await verdict(page).getByRole('button', { name: '5\u00a0%' }).click()
  await page.waitForURL(/min=5/, QUICK)
  await verdict(page).getByText('No reading shows what limited these runs').waitFor(QUICK)
  await page.getByRole('button', { name: 'all', exact: true }).click()
  await page.waitForURL(/judge=all/, QUICK)
  await until(async () => (await page.getByText('not judged').count()) === 0, 20_000, 'every figure is judged')
  assert.deepEqual(await axe(page), [])
}))

test('a card is copied as a picture and as text', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison([...ids.fast, ...ids.slow]))
  await verdict(page).getByRole('button', { name: 'Share' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('img', { name: /^tiny-slow is slower than tiny-test/ }).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'card')
  await dialog.getByRole('button', { name: 'Copy SVG' }).click()
  await page.getByText('Copied').first().waitFor(QUICK)
  const text = await page.evaluate(() => navigator.clipboard.readText())
  assert.match(text, /^<svg .*not interleaved.*<\/svg>$/is)
  await dialog.getByRole('button', { name: 'Copy PNG' }).click()
  const size = () => page.evaluate(async () => {
    const item = (await navigator.clipboard.read()).find((i) => i.types.includes('image/png'))
    const picture = item && (await createImageBitmap(await item.getType('image/png')))
    return picture ? [picture.width, picture.height] : null
  })
  assert.deepEqual(await until(size, 20_000, 'the picture is in the clipboard'), [2400, 1260])
  const [file] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Save PNG' }).click()])
  assert.equal(file.suggestedFilename(), 'inferometer.png')
  await visit(page, program.url, `#/runs/${ids.fast[0]}`)
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Share' }).click()
  await page.getByRole('dialog').getByRole('img', { name: /^tiny-test: / }).waitFor(QUICK)
  await shoot(page, 'card-run')
}))

test('runs over loads are compared at one, and the next run with the last', { timeout: 120_000 }, () => withPage(async (page) => {
  const stages = [1, 2, 4].map((n) => ({ load: { kind: 'closed', concurrency: n } }))
  const body = (kind) => send('POST', { ...base, ...kinds[kind], max_tokens: 8, warmup: 0, stop: { requests: 8 }, endpoint_id: endpoint.id, stages })
  const over = []
  for (const kind of ['fast', 'slow']) over.push((await api(program.url, '/benchmarks?wait=60s', body(kind))).job_id)
  await visit(page, program.url, comparison(over))
  await page.getByRole('img', { name: 'By load: Decode speed, tokens per second' }).waitFor(QUICK)
  await page.getByRole('group', { name: 'Load', exact: true }).getByRole('button', { name: '2', exact: true }).click()
  await page.waitForURL(/load=closed%3A2/, QUICK)
  await page.getByRole('img', { name: /16 requests/ }).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'compare-loads')
  const { job_id } = await api(program.url, '/benchmarks', body('slow'))
  await page.getByRole('button', { name: 'Compare with last' }).click({ timeout: 60_000 })
  await page.waitForURL(new RegExp(`runs=${over[1]}%2C${job_id}|runs=${over[1]},${job_id}`), QUICK)
  await verdict(page).getByText(/Too few runs for a verdict/).waitFor(QUICK)
}, {}, /Failed to load resource.* 422 /))

test('too few runs are measured in turns', { timeout: 180_000 }, () => withPage(async (page) => {
  await visit(page, program.url, comparison([ids.fast[0], ids.slow[0]]))
  await verdict(page).getByRole('button', { name: 'Measure in turns' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Pairs').fill('1')
  assert.equal(await dialog.getByRole('button', { name: 'Start' }).isDisabled(), true)
  await dialog.getByLabel('Pairs').fill('2')
  await dialog.getByText(/^4 runs, /).waitFor(QUICK)
  await dialog.getByText(/2 pairs find 2 % in 0 of 100 cases\. (\d+ pairs find it in|No experiment)/).waitFor(QUICK)
  await dialog.getByText(/A pair spreads by .* as \d+ earlier runs do/).waitFor(QUICK)
  await dialog.getByLabel(/Arm B/).fill('slow one')
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'turns')
  await dialog.getByRole('button', { name: 'Start' }).click()
  await page.waitForURL(/#\/experiments\//, QUICK)
  await page.getByText(/of 4 runs/).first().waitFor(QUICK)
  await shoot(page, 'experiment-running')
  await page.getByText('Completed', { exact: true }).waitFor({ timeout: 120_000 })
  await verdict(page).getByText(/^slow one against tiny-test: .*needs 6 pairs\.$/).waitFor(QUICK)
  await verdict(page).getByText('95 % interval over 2 pairs of runs').waitFor(QUICK)
  assert.equal(await page.getByRole('link', { name: /^Pair [12]: (slow one|tiny-test), Completed$/ }).count(), 4)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'experiment')
  const id = new URL(page.url()).hash.split('/').pop()
  const e = await api(program.url, `/experiments/${id}`)
  assert.deepEqual([e.pairs, e.done, e.arms.map((a) => a.benchmark.endpoint_id)], [2, 4, [endpoint.id, endpoint.id]])
}))

test('an experiment is stopped, listed and forgotten', { timeout: 180_000 }, () => withPage(async (page) => {
  const arms = [{ name: 'fast', benchmark: { ...base, ...kinds.fast, endpoint_id: endpoint.id } }, { name: 'slow', benchmark: { ...base, ...kinds.slow, endpoint_id: endpoint.id } }]
  const e = await api(program.url, '/experiments', send('POST', { name: 'To be stopped', arms, pairs: 20 }))
  await visit(page, program.url, `#/experiments/${e.id}`)
  await page.getByRole('link', { name: /^Pair 1: .*Completed$/ }).first().waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop the experiment' }).click()
  await page.getByText('Canceled', { exact: true }).first().waitFor(QUICK)
  await page.getByRole('link', { name: 'Experiments' }).click()
  await page.getByRole('row', { name: /To be stopped/ }).waitFor(QUICK)
  await page.getByRole('row', { name: /slow one against tiny-test/ }).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'experiments')
  await page.getByRole('row', { name: /To be stopped/ }).click()
  await page.getByRole('button', { name: 'Forget the experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Forget the experiment' }).click()
  await until(async () => (await api(program.url, '/experiments')).length === 1, 20_000, 'it is forgotten')
  await until(async () => (await page.getByRole('row', { name: /To be stopped/ }).count()) === 0, 20_000, 'the list shows it')
}))

test('a comparison is in Portuguese too', { timeout: 120_000 }, () => withPage(async (page) => {
  await api(program.url, '/settings', send('PATCH', { language: 'pt-BR' }))
  await visit(page, program.url, comparison([...ids.fast, ...ids.slow]))
  await page.getByText(/^tiny-slow é mais lento que tiny-test: −\d+,\d\s%, de −/).waitFor(QUICK)
  await page.getByText('Estas execuções não foram medidas alternadamente').waitFor(QUICK)
  await shoot(page, 'compare-pt')
}))
