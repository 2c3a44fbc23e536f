// Files go in and out: results of other tools are imported and shown with what their tool says, exports are
// downloaded and come back, and what others wrote is text and nothing else.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer } from './fakeserver.mjs'
import { api, axe, onPage, send, shoot, startBrowser, startProgram, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
const peers = new URL('../../../backend/transfer/testdata/', import.meta.url).pathname
let program, browser, server, own

const evil = '<img src=x onerror="document.title=\'owned\'">'

before(async () => {
  program = await startProgram()
  browser = await startBrowser()
  server = await startServer([0])
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Test', base_url: server.url }))
  const body = { model_id: 'tiny-test', endpoint_id: endpoint.id, prompt: evil, name: evil, max_tokens: 8, tags: [evil.slice(0, 40)] }
  own = await api(program.url, '/benchmarks?wait=60s', send('POST', body))
  assert.equal(own.status, 'completed', JSON.stringify(own.error))
})
after(async () => {
  await browser?.close()
  await server?.stop()
  await program?.stop()
})

/** Answers that refuse are told by the browser too; where they are wanted they are no faults. */
const refused = /Failed to load resource.* (409|422) /

const withPage = (work, options, wanted) => onPage(browser, work, options, wanted)

const picker = (page) => page.getByRole('dialog').locator('input[type=file]')

async function openImport(page) {
  await visit(page, program.url, '#/results')
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await page.getByRole('dialog').waitFor(QUICK)
}

test('files of other tools are imported, and one that names no model asks for it', { timeout: 120_000 }, () => withPage(async (page) => {
  await openImport(page)
  await picker(page).setInputFiles([join(peers, 'vllm_detailed.json'), join(peers, 'benchy.csv'), join(peers, 'genai.json')])
  await page.getByLabel('Model that was measured').fill('mock', QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'import')
  await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).click()
  await until(async () => (await page.getByRole('dialog').locator('li a').count()) === 3, 20_000, 'three runs are imported')
  await picker(page).setInputFiles(join(peers, 'vllm_detailed.json'))
  await page.getByText('This file was imported before').waitFor(QUICK)
  await picker(page).setInputFiles(join(peers, 'genai_metadata.json'))
  await page.getByText('without results').waitFor(QUICK)
  await page.getByRole('dialog').getByRole('link', { name: /vllm_detailed/ }).click()
  await page.getByText('Neither the machine nor the engine was watched').waitFor(QUICK)
}, {}, refused))

test('an imported run shows what its tool says, beside ours, and no machine', { timeout: 120_000 }, () => withPage(async (page) => {
  const all = await api(program.url, '/benchmarks')
  const id = all.find((r) => r.imported?.file === 'vllm_detailed.json').job_id
  await visit(page, program.url, `#/runs/${id}`)
  const row = page.getByRole('row', { name: /mean_ttft_ms/ })
  await row.waitFor(QUICK)
  assert.match(await row.textContent(), /107\.21107\.21ms/)
  assert.deepEqual(await page.getByRole('tab').evaluateAll((tabs) => tabs.map((x) => x.textContent.replace(/[\d\s]+$/, '').trim())), ['File', 'Latency', 'Requests', 'Raw'])
  assert.equal(await page.getByRole('button', { name: /Run again/ }).isDisabled(), true)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'imported')
  await page.getByRole('tab', { name: /Latency/ }).click()
  await page.getByText('TTFT').first().waitFor(QUICK)
  await shoot(page, 'imported-latency')
}, { locale: 'en-US' }))

test('exports are downloaded, and a bundle comes back', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, '#/results')
  for (const [item, ending] of [['Signed bundle', 'zip'], ['All raw records', 'jsonl'], ['Requests as a table', 'csv'], ['SQLite database', 'db']]) {
    await page.getByRole('button', { name: 'Export everything' }).click()
    const coming = page.waitForEvent('download', QUICK)
    await page.getByRole('menuitem', { name: new RegExp(item) }).click()
    const file = await coming
    assert.match(file.suggestedFilename(), new RegExp(`^inferometer-.*\\.${ending}$`))
    if (ending !== 'zip') continue
    await api(program.url, `/benchmarks/${own.job_id}`, { method: 'DELETE' })
    await api(program.url, `/trash/${own.job_id}`, { method: 'DELETE' })
    await openImport(page)
    await picker(page).setInputFiles(await file.path())
    await page.getByText('Unchanged since it was signed').waitFor(QUICK)
    await page.getByText('3 runs are here already').waitFor(QUICK)
    await page.keyboard.press('Escape')
  }
  const again = await api(program.url, `/benchmarks/${own.job_id}`)
  assert.equal(again.name, evil)
}))

test('a report is one page without a network, and what others wrote is text in it', { timeout: 120_000 }, () => withPage(async (page) => {
  await visit(page, program.url, `#/runs/${own.job_id}`)
  await page.getByText(evil).first().waitFor(QUICK)
  assert.notEqual(await page.title(), 'owned')
  const coming = page.waitForEvent('download', QUICK)
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: /Report to read/ }).click()
  const path = await (await coming).path()
  assert.doesNotMatch(await readFile(path, 'utf8'), /https?:\/\//)
  // A page of its own: the program's policy would refuse the report its style.
  const report = await page.context().newPage()
  const asked = []
  report.on('request', (r) => asked.push(r.url()))
  await report.setContent(await readFile(path, 'utf8'))
  await report.getByRole('heading', { name: evil }).waitFor(QUICK)
  assert.notEqual(await report.title(), 'owned')
  assert.deepEqual(asked.filter((u) => !u.startsWith('about:')), [])
  assert.deepEqual(await axe(report), [])
  await shoot(report, 'report')
}))
