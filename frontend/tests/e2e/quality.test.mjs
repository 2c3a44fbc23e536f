// The quality of a model is measured from the models, read answer by answer, and stands beside its speed; a broken
// chat template is told as broken.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { startServer } from './fakeserver.mjs'
import { api, axe, onPage, send, shoot, startBrowser, startProgram, until, visit } from './program.mjs'

const QUICK = { timeout: 20_000 }
let program, browser, server, endpoint

/** Answers of both packs by their questions; every fourth question of the model tiny-test is answered wrongly. */
async function answers() {
  const right = new Map()
  for (const language of ['en', 'pt-br']) {
    const lines = (await readFile(new URL(`../../../backend/quality/pack/tasks-${language}.jsonl`, import.meta.url), 'utf8')).trim().split('\n')
    lines.map((l) => JSON.parse(l)).forEach((task, i) => right.set(task.prompt, i % 4 === 1 ? 'I would have to look that up.' : (task.show ? 'Wide and blue' : task.want[0])))
  }
  return right
}

before(async () => {
  const right = await answers()
  program = await startProgram()
  browser = await startBrowser()
  server = await startServer([0], { say: ({ model, messages }) => {
    const asked = messages.at(-1).content
    if (model.endsWith('-broken')) return `<|im_start|>user\n${asked}<|im_end|>`
    return right.get(asked) ?? null
  } })
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Test', base_url: server.url }))
})
after(async () => {
  await browser?.close()
  await server?.stop()
  await program?.stop()
})

const measured = async (body) => {
  const { id } = await api(program.url, '/quality', send('POST', { kind: 'tasks', endpoint_id: endpoint.id, ...body }))
  return until(async () => {
    const q = await api(program.url, `/quality/${id}`)
    return q.ended_at ? q : null
  }, 30_000, 'the measurement has ended')
}

test('quality is measured from the models and read answer by answer', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  await visit(page, program.url, '#/models')
  await page.getByRole('button', { name: 'Actions: tiny-test' }).click()
  await page.getByRole('menuitem', { name: 'Measure quality' }).click()
  const dialog = page.getByRole('dialog', { name: 'Measure quality of tiny-test' })
  await dialog.waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'quality-dialog')
  await dialog.getByRole('button', { name: 'Measure', exact: true }).click()
  await page.getByRole('button', { name: 'Open' }).click()
  await page.waitForURL(/#\/quality\//, QUICK)
  await page.getByText('30 of 40 right').waitFor(QUICK)
  await page.getByText(/^30 of 40 \(75\s%, 60–86 %\)$/).waitFor(QUICK)
  const table = page.locator('main table')
  await table.locator('tbody tr').nth(39).waitFor(QUICK)
  assert.equal(await table.locator('tbody tr').count(), 40)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'quality')
  await page.getByRole('radio', { name: 'Wrong 10' }).or(page.getByRole('button', { name: 'Wrong 10' })).first().click()
  assert.equal(await table.locator('tbody tr').count(), 10)
  await table.locator('tbody tr').first().click()
  await page.getByRole('dialog').getByText('What is 12 times 13?').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
}))

test('it stands in the models, beside a run and beside a comparison', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  await measured({ model_id: 'tiny-test' })
  await measured({ model_id: 'tiny-broken' })
  const runs = []
  for (const model of ['tiny-test', 'tiny-broken']) {
    runs.push((await api(program.url, '/benchmarks?wait=60s', send('POST', { model_id: model, endpoint_id: endpoint.id, prompt: 'Where does the lighthouse stand?', max_tokens: 12, stop: { requests: 3 } }))).job_id)
  }
  await visit(page, program.url, '#/models')
  await page.getByRole('row', { name: /tiny-test/ }).first().getByRole('link', { name: /^75\s%$/ }).waitFor(QUICK)
  await page.getByRole('row', { name: /tiny-broken.*Broken/ }).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'quality-models')
  await visit(page, program.url, `#/runs/${runs[0]}`)
  await page.getByText(/^Quality: 30 of 40 \(75\s%, 60–86 %\)/).waitFor(QUICK)
  await shoot(page, 'quality-run')
  await visit(page, program.url, `#/compare?runs=${runs.join(',')}`)
  const section = page.getByRole('region', { name: 'Quality' })
  await section.getByText(/30 of 40/).waitFor(QUICK)
  await section.getByText(/looks broken/).waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'quality-compare')
}))

test('a broken chat template is told as broken, in both languages', { timeout: 120_000 }, () => onPage(browser, async (page) => {
  const q = await measured({ model_id: 'tiny-broken', language: 'pt-BR' })
  assert.equal(q.summary.tasks.verdict, 'broken')
  await api(program.url, '/settings', send('PATCH', { language: 'pt-BR' }))
  await visit(page, program.url, `#/quality/${q.id}`)
  const banner = page.getByRole('region', { name: 'O modelo de conversa parece quebrado' })
  await banner.getByText('40 de 40 respostas têm tokens que só emolduram mensagens').waitFor(QUICK)
  assert.deepEqual(await axe(page), [])
  await shoot(page, 'quality-broken')
  await page.getByRole('button', { name: 'Esquecer' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Esquecer' }).click()
  await page.waitForURL(/#\/models/, QUICK)
  await assert.rejects(api(program.url, `/quality/${q.id}`), /404/)
}))
