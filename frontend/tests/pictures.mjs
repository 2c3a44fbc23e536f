// Takes the pictures of README and docs from the real program with the real engine: `make pictures`, `make pictures ONLY=trends`.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { api, openPage, send, startBrowser, startProgram, until, visit } from './e2e/program.mjs'

const out = resolve(import.meta.dirname, '../../docs/pictures')
const MINUTES = 60_000

const program = await startProgram()
const browser = await startBrowser()
const model = (await api(program.url, '/models'))[0].id
/** Each picture with what is measured for it; names on the command line choose some. */
const takes = {
  async runs() {
    await measured('One user, short answers', { load: { kind: 'single' }, stop: { requests: 6 }, max_tokens: 96 })
    const two = await measured('Two users', { load: { kind: 'closed', concurrency: 2 }, stop: { requests: 12 }, max_tokens: 96 })
    await live({ load: { kind: 'closed', concurrency: 2 }, stop: { requests: 24 }, max_tokens: 128 })
    await both('result', `#/runs/${two}`)
    await both('results', '#/results')
    await both('new-benchmark', '#/new')
    await both('hardware', '#/hardware')
  },
  async compare() {
    const arms = [1, 2].map((n) => ({ name: n === 1 ? '1 thread' : '2 threads', benchmark: short({ engine_options: { threads: n } }) }))
    await both('compare', `#/experiments/${await experiment({ name: 'Threads', pairs: 8, arms })}`)
  },
  async sweep() {
    const axes = [{ setting: 'threads', values: [1, 2] }, { setting: 'concurrency', values: [1, 2, 4] }]
    await both('sweep', `#/experiments/${await experiment({ kind: 'sweep', name: 'Threads and users', benchmark: short(), sweep: { axes, repeats: 2 } })}`)
  },
  async trends() {
    await history()
    await both('trends', '#/results?view=trend')
  },
}
const wanted = process.argv.slice(2)
try {
  for (const [name, take] of Object.entries(takes)) if (wanted.length === 0 || wanted.includes(name)) await take()
} finally {
  await browser.close()
  await program.stop()
}

/** One picture of a screen in each theme. */
async function both(name, hash) {
  for (const scheme of ['dark', 'light']) {
    const open = await openPage(browser, { scheme })
    await visit(open.page, program.url, hash)
    await shoot(open, `${name}-${scheme}`)
  }
}

/** A short benchmark: experiments have many. */
function short(more = {}) {
  return { model_id: model, dataset_id: 'chat-en', temperature: 0, warmup: 1, stop: { requests: 3 }, max_tokens: 48, ...more }
}

async function experiment(body) {
  const { id } = await api(program.url, '/experiments', send('POST', body))
  await until(async () => (await api(program.url, `/experiments/${id}`)).status === 'completed', 10 * MINUTES, body.name)
  return id
}

/** Runs of one kind: some alone, then some beside a program that takes every core, as one that was forgotten in the background would. */
async function history() {
  for (let i = 0; i < 10; i++) await measured(`Nightly ${i + 1}`, short())
  const others = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', 'for (;;);']))
  try {
    for (let i = 10; i < 17; i++) await measured(`Nightly ${i + 1}`, short())
  } finally {
    for (const other of others) other.kill()
  }
}

/** The live screen in each theme, in the middle of a run that it has followed from the start. */
async function live(more) {
  for (const scheme of ['dark', 'light']) {
    const open = await openPage(browser, { scheme })
    await visit(open.page, program.url, '#/')
    const id = await start('Two users, live', more)
    await open.page.goto(`${program.url}/#/live`)
    await until(async () => (await job(id)).progress?.done >= 14, 5 * MINUTES, 'fourteen requests of the live run')
    await shoot(open, `live-${scheme}`)
    await api(program.url, `/benchmarks/${id}/cancel`, send('POST'))
  }
}

async function shoot({ page, faults, close }, name) {
  await page.waitForTimeout(1500) // charts paint four times a second
  await page.screenshot({ path: join(out, `${name}.png`) })
  await close()
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

async function start(name, more) {
  const body = { model_id: model, dataset_id: 'chat-en', temperature: 0, warmup: 1, name, ...more }
  return (await api(program.url, '/benchmarks', send('POST', body))).job_id
}

function job(id) {
  return api(program.url, `/benchmarks/${id}`)
}

async function measured(name, more) {
  const id = await start(name, more)
  await until(async () => (await job(id)).status === 'completed', 5 * MINUTES, name)
  return id
}
