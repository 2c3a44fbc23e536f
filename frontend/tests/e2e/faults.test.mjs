// What a person sees when the database was broken, and how a report about it is made.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { api, axe, onPage, send, startBrowser, startProgram, visit } from './program.mjs'

let program, browser

before(async () => {
  program = await startProgram({}, (data) => writeFile(join(data, 'inferometer.db'), 'no database'))
  browser = await startBrowser()
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
})
after(async () => {
  await browser?.close()
  await program?.stop()
})

const withPage = (work, options) => onPage(browser, work, options)

test('a banner says in both languages what was set aside, until it is closed', { timeout: 120_000 }, async () => {
  const aside = (await readdir(program.data)).find((f) => f.includes('-damaged-') && f.endsWith('.db'))
  assert.equal(await readFile(join(program.data, aside), 'utf8'), 'no database')
  await withPage(async (page) => {
    await visit(page, program.url, '#/')
    const text = await page.getByText(aside).textContent()
    assert.match(text, /O arquivo no lugar do banco de dados não é um\..*banco de dados vazio foi iniciado/s)
  }, { locale: 'pt-BR' })
  await withPage(async (page) => {
    await visit(page, program.url, '#/results')
    const banner = page.getByRole('status').filter({ hasText: aside })
    assert.match(await banner.textContent(), /The file in place of the database is not one\..*an empty database was begun/s)
    assert.deepEqual(await axe(page), [])
    await banner.getByRole('button', { name: 'Close' }).click()
    await banner.waitFor({ state: 'detached' })
    await page.reload()
    await page.locator('main h1').first().waitFor()
    assert.equal(await page.getByText(aside).count(), 0)
  })
})

test('the log is shown, filtered and saved for a report', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/settings')
  const card = page.locator('section', { has: page.getByPlaceholder('Filter by words') })
  await card.getByText('The database was set aside').waitFor()
  await card.getByRole('button', { name: 'Errors' }).click()
  await card.getByText('The database was set aside').waitFor()
  await card.getByPlaceholder('Filter by words').fill('nothing like it')
  await card.getByText('Nothing of this kind was written.').waitFor()
  assert.deepEqual(await axe(page), [])
  const saved = page.waitForEvent('download')
  await card.getByRole('button', { name: 'Save for a report' }).click()
  const bytes = await readFile(await (await saved).path())
  assert.equal(bytes.subarray(0, 2).toString(), 'PK')
  assert.ok(bytes.includes('log.jsonl'))
}))
