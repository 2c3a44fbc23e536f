// Starts the real program with a fresh data folder, and a real browser on it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const root = resolve(import.meta.dirname, '../../..')
const START_MS = 60_000

/**
 * Serves on a free port, with more in its environment, on a data folder that prepare may fill; stop() ends the process and removes its
 * data. With a home the data folder is the platform's own below it, and stays.
 */
export async function startProgram(more = {}, prepare = async () => undefined, home = '') {
  const binary = resolve(process.env.INFEROMETER_BIN ?? join(root, 'build/bin/inferometer-headless'))
  const data = await mkdtemp(join(tmpdir(), 'inferometer-e2e-'))
  await prepare(data)
  const child = spawn(binary, ['serve', '--addr', '127.0.0.1:0', ...(home ? [] : ['--data-dir', data])], { cwd: root, env: { ...process.env, ...(home ? { HOME: home, XDG_DATA_HOME: '' } : {}), ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const url = await Promise.race([
    (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const found = /^listening on (http:\S+)/.exec(line)
        if (found) return found[1]
      }
      throw new Error(`the program ended before it listened: ${errors}`)
    })(),
    deadline(START_MS, 'the program did not listen in time'),
  ])
  child.stdout.resume()
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    await rm(data, { recursive: true, force: true })
  }
  return { url, data, stop, pid: child.pid }
}

export async function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
}

/** A page that collects whatever the console calls an error. */
export async function openPage(browser, { scheme = 'dark', width = 1440, height = 900, locale = 'en-GB' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const faults = []
  page.on('console', (m) => m.type() === 'error' && faults.push(`${m.text()} (${page.url()})`))
  page.on('pageerror', (e) => faults.push(`${e.message} (${page.url()})`))
  return { page, faults, close: () => context.close() }
}

/** Works on a page of its own, which must show no fault but those that are wanted. */
export async function onPage(browser, work, options = {}, wanted = /^$/) {
  const { page, faults, close } = await openPage(browser, options)
  try {
    await work(page)
    assert.deepEqual(faults.filter((f) => !wanted.test(f)), [])
  } finally {
    await close()
  }
}

/** The picture of what the page shows, in both themes, where PICTURES names a folder for them. */
export async function shoot(page, name) {
  if (!process.env.PICTURES) return
  for (const scheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme: scheme })
    await page.waitForTimeout(300)
    await page.screenshot({ path: join(process.env.PICTURES, `${name}-${scheme}.png`) })
  }
}

/** Opens a screen and waits for its title and its first data. */
export async function visit(page, url, hash) {
  await page.goto(`${url}/${hash}`, { waitUntil: 'domcontentloaded' })
  await page.locator('main h1').first().waitFor({ timeout: 60_000 })
  await page.locator('main [aria-busy=true]').first().waitFor({ state: 'detached', timeout: 30_000 })
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The faults of accessibility of what the page shows now. */
export async function axe(page) {
  await page.evaluate(await axeSource)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 4).join(' | ')}`)
}

export async function api(url, path, init) {
  const res = await fetch(`${url}/api/v1${path}`, init)
  if (!res.ok) throw new Error(`${path}: ${res.status} ${await res.text()}`)
  return res.status === 204 ? null : res.json()
}

export function send(method, body) {
  return { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
}

/** Waits until probe answers something true. */
export async function until(probe, ms, what) {
  const end = Date.now() + ms
  for (;;) {
    const value = await probe()
    if (value) return value
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${what}`)
    await new Promise((r) => setTimeout(r, 100))
  }
}

function deadline(ms, what) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(what)), ms).unref())
}
