// The data folder moves: chosen in Settings, copied, taken back, done by the next start, and the old copy deleted.
import assert from 'node:assert/strict'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { api, axe, onPage, send, shoot, startBrowser, startProgram, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, home

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'inferometer-home-'))
  program = await startProgram({}, undefined, home)
  browser = await startBrowser()
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const models = join(home, '.local/share/inferometer/models')
  await mkdir(models, { recursive: true })
  await writeFile(join(models, 'a.gguf'), Buffer.alloc(5_000_000, 'm'))
})
after(async () => {
  await browser?.close()
  await program?.stop()
  await rm(home, { recursive: true, force: true })
})

const there = (path) => access(path).then(() => true, () => false)
const begin = async (page, path) => {
  await page.getByLabel('New folder').fill(path)
  await page.getByRole('button', { name: 'Copy and move' }).click()
}

test('the data folder moves to another place', { timeout: 120_000 }, async () => {
  const to = join(home, 'elsewhere')
  await onPage(browser, async (page) => {
    await visit(page, program.url, '#/settings')
    await page.getByRole('button', { name: 'Move…' }).click()
    await begin(page, join(home, '.local/share/inferometer/models/x'))
    await page.getByText('must lie outside the data folder of today').waitFor(QUICK)
    await shoot(page, 'folder-choose')
    await begin(page, to)
    await page.getByText(/^Copied\./).waitFor(QUICK)
    await page.getByText(/^Copied\./).scrollIntoViewIfNeeded()
    await shoot(page, 'folder-ready')
    assert.deepEqual(await axe(page), [])
    await page.getByRole('button', { name: 'Take it back' }).click()
    await page.getByText(/^Copied\./).waitFor({ state: 'detached', ...QUICK })
    assert.equal(await there(to), false)
    await page.getByRole('button', { name: 'Move…' }).click()
    await begin(page, to)
    await page.getByText(/^Copied\./).waitFor(QUICK)
  }, {}, /422/)
  await program.stop()
  program = await startProgram({}, undefined, home)
  await onPage(browser, async (page) => {
    await visit(page, program.url, '#/settings')
    await page.getByText(to, { exact: true }).first().waitFor(QUICK)
    await page.getByText('Old copy', { exact: true }).waitFor(QUICK)
    await page.getByText('Old copy', { exact: true }).scrollIntoViewIfNeeded()
    await shoot(page, 'folder-moved')
    assert.deepEqual(await axe(page), [])
    await page.getByRole('button', { name: 'Delete old copy' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete old copy' }).click()
    await page.getByText('Old copy', { exact: true }).waitFor({ state: 'detached', ...QUICK })
  })
  await until(async () => !(await there(join(home, '.local/share/inferometer/models'))), 20_000, 'the old copy is gone')
  assert.equal(await there(join(to, 'models/a.gguf')), true)
})
