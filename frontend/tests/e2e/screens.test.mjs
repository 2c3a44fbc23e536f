// Every screen opens in both themes and both languages, without console errors and without faults
// of accessibility.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { api, axe, openPage, send, startBrowser, startProgram, visit } from './program.mjs'

const shots = process.env.SHOTS

const screens = {
  home: '#/', firstrun: '#/welcome', newbench: '#/new', results: '#/results', models: '#/models', datasets: '#/datasets',
  engines: '#/engines', hardware: '#/hardware', api: '#/api', settings: '#/settings',
  compare: '#/compare',
}

let program
let browser
let run

before(async () => {
  program = await startProgram()
  browser = await startBrowser()
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const [model] = await api(program.url, '/models')
  run = await api(program.url, '/benchmarks?wait=120s', send('POST', { model_id: model.id, prompt: 'Hello', max_tokens: 24, stop: { requests: 2 } }))
  assert.equal(run.status, 'completed', JSON.stringify(run.error))
  screens.detail = `#/runs/${run.job_id}`
})
after(async () => {
  await browser?.close()
  await program?.stop()
})

for (const scheme of ['dark', 'light']) {
  describe(`${scheme} theme`, () => {
    for (const name of [...Object.keys(screens), 'detail']) {
      test(`${name} opens cleanly`, { timeout: 120_000 }, async () => {
        const { page, faults, close } = await openPage(browser, { scheme })
        try {
          await visit(page, program.url, screens[name])
          assert.equal(await page.locator('html').getAttribute('data-theme'), scheme)
          assert.deepEqual(await axe(page), [])
          if (shots) await page.screenshot({ path: `${shots}/${name}-${scheme}.png` })
          assert.deepEqual(faults, [])
        } finally {
          await close()
        }
      })
    }
  })
}

describe('small window', () => {
  for (const name of [...Object.keys(screens), 'detail']) {
    test(`${name} fits into 1024 × 640`, { timeout: 120_000 }, async () => {
      const { page, faults, close } = await openPage(browser, { scheme: 'light', width: 1024, height: 640 })
      try {
        await visit(page, program.url, screens[name])
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(over <= 0, `the page is ${over} px too wide`)
        if (shots) await page.screenshot({ path: `${shots}/${name}-1024.png` })
        assert.deepEqual(faults, [])
      } finally {
        await close()
      }
    })
  }
})

test('the language changes at once and stays', { timeout: 120_000 }, async () => {
  const { page, faults, close } = await openPage(browser)
  try {
    await visit(page, program.url, '#/settings')
    await page.getByLabel(/^Language:/).click()
    await page.getByRole('option', { name: 'Português do Brasil' }).click()
    await page.getByRole('heading', { name: 'Ajustes' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Ajustes' }).waitFor()
    assert.equal(await page.locator('html').getAttribute('lang'), 'pt-BR')
    for (const [hash, title] of [['#/results', 'Resultados'], ['#/models', 'Modelos'], ['#/new', 'Nova medição']]) {
      await visit(page, program.url, hash)
      await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    }
    assert.deepEqual(faults, [])
  } finally {
    await close()
    await api(program.url, '/settings', send('PATCH', { language: 'system' }))
  }
})
