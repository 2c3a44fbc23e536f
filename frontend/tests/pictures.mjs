// Takes the pictures of README and docs from the real program with the real engine: `make pictures`.
import { join, resolve } from 'node:path'
import { api, openPage, send, startBrowser, startProgram, until, visit } from './e2e/program.mjs'

const out = resolve(import.meta.dirname, '../../docs/pictures')
const MINUTES = 60_000

const program = await startProgram()
const browser = await startBrowser()
try {
  await measured('One user, short answers', { load: { kind: 'single' }, stop: { requests: 6 }, max_tokens: 96 })
  const two = await measured('Two users', { load: { kind: 'closed', concurrency: 2 }, stop: { requests: 12 }, max_tokens: 96 })
  const live = await start('Two users, live', { load: { kind: 'closed', concurrency: 2 }, stop: { requests: 24 }, max_tokens: 128 })
  await until(async () => (await job(live)).progress?.done >= 8, 5 * MINUTES, 'eight requests of the live run')
  await both('live', '#/live')
  await api(program.url, `/benchmarks/${live}/cancel`, send('POST'))
  await both('result', `#/runs/${two}`)
  await both('results', '#/results')
  await both('new-benchmark', '#/new')
} finally {
  await browser.close()
  await program.stop()
}

/** One picture in each theme. */
async function both(name, hash) {
  for (const scheme of ['dark', 'light']) {
    const { page, faults, close } = await openPage(browser, { scheme })
    await visit(page, program.url, hash)
    await page.waitForTimeout(1500) // charts paint four times a second
    await page.screenshot({ path: join(out, `${name}-${scheme}.png`) })
    await close()
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }
}

async function start(name, more) {
  const models = await api(program.url, '/models')
  const body = { model_id: models[0].id, dataset_id: 'chat-en', temperature: 0, warmup: 1, name, ...more }
  return (await api(program.url, '/benchmarks', send('POST', body))).job_id
}

const job = (id) => api(program.url, `/benchmarks/${id}`)

async function measured(name, more) {
  const id = await start(name, more)
  await until(async () => (await job(id)).status === 'completed', 5 * MINUTES, name)
  return id
}
