// A sweep is put together in New benchmark, measured live, and read as a map, a line, parallel axes and a front.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startAll, stopAll } from './measured.mjs'
import { api, axe, onPage, send, shoot, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server, endpoint, measured

before(async () => {
  ;({ program, browser, server, endpoint } = await startAll())
})
after(() => stopAll({ program, browser, server }))

const cell = (page, name) => page.getByRole('button', { name })

test('two settings are swept from the form', { timeout: 180_000 }, () => onPage(browser, async (page) => {
  await visit(page, program.url, `#/new?endpoint=${endpoint.id}&model=tiny-test`)
  await page.getByLabel('Requests', { exact: true }).fill('2')
  await page.getByRole('button', { name: /^Sweep settings/ }).click()
  await page.getByRole('switch', { name: /^Measure every combination/ }).click()
  const users = page.getByLabel('Values: Users')
  await users.waitFor(QUICK)
  for (const value of ['8', '4']) await page.getByRole('button', { name: `Remove ${value}` }).click()
  await page.getByRole('button', { name: 'Add a setting' }).click()
  const lengths = page.getByLabel('Values: Output length')
  const type = async (text) => {
    await lengths.fill(text)
    await lengths.press('Enter')
  }
  await type('8 0')
  await page.getByText('Whole numbers from 1 to 32').waitFor(QUICK)
  assert.equal(await page.getByRole('button', { name: 'Start the sweep' }).last().isDisabled(), true)
  await page.getByRole('button', { name: 'Remove 0' }).click()
  await type('24')
  await page.getByLabel('Blocks').fill('2')
  await page.getByText('4 combinations × 2 blocks = 8 runs').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await page.getByRole('button', { name: /^Sweep settings/ }).scrollIntoViewIfNeeded()
  await shoot(page, 'sweep-form')
  await page.getByRole('button', { name: 'Start the sweep' }).last().click()
  await page.waitForURL(/#\/experiments\//, QUICK)
  await page.getByText(/of 8 runs/).first().waitFor(QUICK)
  await shoot(page, 'sweep-running')
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 120_000 })
  measured = await api(program.url, `/experiments/${new URL(page.url()).hash.split('/').pop()}`)
  assert.equal(measured.sweep.cells.length, 4)
  assert.ok(measured.sweep.cells.every((c) => c.runs.length === 2 && c.verdict !== 'none'))
  assert.deepEqual(measured.sweep.settings, ['concurrency', 'max_tokens'])
  const users2 = measured.sweep.cells.find((c) => c.settings.concurrency === 2 && c.settings.max_tokens === 24)
  assert.equal(users2.verdict === 'best' || users2.verdict === 'tied', true, 'two users have more throughput')
  await cell(page, /^Users 2 · Output length 24: .* (best|tied)/).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'sweep-map')
}))

test('the map is walked by keys, and settings are taken over', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  await visit(page, program.url, `#/experiments/${measured.id}`)
  const from = cell(page, /^Users 1 · Output length 8:/)
  await from.click()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await until(async () => (await cell(page, /^Users 2 · Output length 24:/).getAttribute('aria-pressed')) === 'true', 20_000, 'the cell is chosen')
  const speed = page.getByRole('slider', { name: 'Weight of Speed' })
  await speed.fill('0')
  await page.getByRole('slider', { name: 'Weight of Memory' }).fill('0')
  for (const left of await page.getByRole('slider').all()) await left.fill('0')
  await page.getByText('Give at least one weight.').waitFor(QUICK)
  await speed.fill('5')
  await page.getByText('100 % of the best in everything').waitFor(QUICK)
  await page.getByRole('button', { name: 'Use these settings' }).first().click()
  await page.waitForURL(/#\/new\?.*users=2/, QUICK)
  await until(async () => (await page.getByLabel('Output length, at most').inputValue()) === '24', 20_000, 'the length is taken over')
}))

/** The measured sweep, changed on its way to the page. */
async function changed(page, change) {
  await page.route(`**/api/v1/experiments/${measured.id}`, async (route) => {
    const body = structuredClone(measured)
    change(body.sweep, body)
    await route.fulfill({ json: body })
  })
  await visit(page, program.url, `#/experiments/${measured.id}`)
}

test('what failed, ties or was left out is told', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  await changed(page, (s) => {
    const [a, b] = s.cells
    const gone = s.cells.find((c) => c.settings.concurrency === 2 && c.settings.max_tokens === 8)
    Object.assign(a, { status: 'failed', reason: 'The engine ended while loading.', verdict: 'none', ratio: null, front: false, score: null, values: a.values.map(() => ({ mean: null, interval: null, n: 0 })) })
    b.verdict = b.verdict === 'best' ? 'best' : 'tied'
    s.left_out = [{ settings: gone.settings, reason: 'The engine cuts ubatch_size to batch_size.' }]
    s.cells = s.cells.filter((c) => c !== gone)
    s.best = s.cells.findIndex((c) => c.verdict === 'best')
    if (s.best < 0) s.best = 1
    s.edges = [{ setting: 'concurrency', end: 'highest' }]
  })
  await cell(page, /^Users 1 · Output length 8: failed\. The engine ended while loading\.$/).waitFor(QUICK)
  await page.getByText('Left out: Users 2 · Output length 8.').waitFor(QUICK)
  await page.getByText('Users: the best is the highest value').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'sweep-failed')
}))

test('one setting is a line, three are parallel axes with ranges', { timeout: 120_000 }, async () => {
  await onPage(browser, async (page) => {
    await changed(page, (s) => {
      s.settings = ['concurrency']
      s.cells.forEach((c, i) => Object.assign(c, { settings: { concurrency: 2 ** i } }))
    })
    await page.getByRole('img', { name: /, Users$/ }).waitFor(QUICK)
    assert.deepEqual(await axe(page), [])
    await shoot(page, 'sweep-line')
  })
  await onPage(browser, async (page) => {
    await changed(page, (s) => {
      s.settings = ['concurrency', 'max_tokens', 'model_id']
      s.cells = [...s.cells.map((c) => ({ ...c, settings: { ...c.settings, model_id: 'tiny-test' } })), ...s.cells.map((c) => ({
        ...c, front: false, verdict: 'worse', ratio: (c.ratio ?? 1) * 0.6, settings: { ...c.settings, model_id: 'tiny-slow' }, values: c.values.map((v) => ({ ...v, mean: v.mean === null ? null : v.mean * 0.6, interval: null })),
      }))]
    })
    await page.getByRole('img', { name: 'All combinations' }).waitFor(QUICK)
    await page.getByRole('button', { name: 'Keep Model tiny-slow' }).click()
    await page.getByText('4 of 8 kept').waitFor(QUICK)
    assert.deepEqual(await axe(page), [])
    await shoot(page, 'sweep-parallel')
    await page.getByRole('button', { name: 'Clear the ranges' }).click()
  }, { width: 1024, height: 640 })
})

test('a sweep is in Portuguese too', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  await api(program.url, '/settings', send('PATCH', { language: 'pt-BR' }))
  await visit(page, program.url, `#/experiments/${measured.id}`)
  await page.getByText(/é a melhor:|Nenhuma diferença demonstrada entre as/).first().waitFor(QUICK)
  await page.getByText(/combinações em 2 blocos/).waitFor(QUICK)
}))
