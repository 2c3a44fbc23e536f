// Drives the real window: Xvfb, WebKitWebDriver and the program built for tests, by plain W3C
// WebDriver calls.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

async function startDisplay() {
  const child = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [number] = await once(child.stdout, 'data')
  return { child, display: `:${String(number).trim()}` }
}

/** Waits until probe answers something true; a failing probe counts as not yet. */
export async function until(probe, ms, what) {
  const end = Date.now() + ms
  let last
  for (;;) {
    try {
      const value = await probe()
      if (value) return value
    } catch (err) {
      last = err
    }
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${what}${last ? ` (${last.message})` : ''}`)
    await new Promise((r) => setTimeout(r, 150))
  }
}

/** Opens the window with a fresh data folder. */
export async function startWindow({ lang = 'en_US.UTF-8' } = {}) {
  const binary = resolve(process.env.INFEROMETER_E2E_BIN ?? join(root, 'build/bin/inferometer-e2e'))
  const data = await mkdtemp(join(tmpdir(), 'inferometer-window-'))
  const { child: xvfb, display } = await startDisplay()
  const port = await freePort()
  const env = {
    ...process.env, DISPLAY: display, LANG: lang, LC_ALL: lang, NO_AT_BRIDGE: '1', WAYLAND_DISPLAY: '', GDK_BACKEND: 'x11',
    INFEROMETER_DATA_DIR: data, INFEROMETER_API_ADDR: `127.0.0.1:${await freePort()}`,
  }
  const driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], { env, cwd: root, stdio: 'ignore' })
  const base = `http://127.0.0.1:${port}`
  const stop = async () => {
    driver.kill('SIGTERM')
    await endProgram(data)
    xvfb.kill('SIGTERM')
    await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 })
  }
  try {
    await until(async () => (await fetch(`${base}/status`)).ok, 20_000, 'WebKitWebDriver answers')
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: [] } } }
    const session = await call(base, 'POST', '/session', { capabilities }, 90_000)
    return { ...page(`${base}/session/${session.sessionId}`), data, display, stop }
  } catch (err) {
    await stop()
    throw err
  }
}

/** Ends the program of this data folder, which the driver may leave behind. */
async function endProgram(data) {
  const pid = await readFile(join(data, 'server.json'), 'utf8').then((t) => JSON.parse(t).pid, () => findByData(data))
  if (!pid) return
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    return // it has ended already
  }
  await until(() => !alive(pid), 15_000, 'the program ends').catch(() => process.kill(pid, 'SIGKILL'))
}

function alive(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The process that was started with this data folder in its environment. */
async function findByData(data) {
  for (const pid of (await readdir('/proc')).filter((d) => /^\d+$/.test(d))) {
    const [environ, exe] = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''), readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    ])
    if (environ.includes(`INFEROMETER_DATA_DIR=${data}`) && exe.startsWith('inferometer')) return Number(pid)
  }
  return 0
}

async function call(base, method, path, body, timeoutMs = 60_000) {
  const res = await fetch(base + path, {
    method, signal: AbortSignal.timeout(timeoutMs), ...(body ? { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
  const { value } = await res.json()
  if (!res.ok) throw new Error(`${value.error}: ${value.message}`)
  return value
}

function page(session) {
  const run = (script, ...args) => call(session, 'POST', '/execute/sync', { script, args })
  const find = async (xpath) => (await call(session, 'POST', '/element', { using: 'xpath', value: xpath }))[ELEMENT]
  const click = async (xpath) => {
    const element = await until(() => find(xpath), 60_000, xpath)
    await until(async () => (await call(session, 'POST', `/element/${element}/click`, {}), true), 20_000, `click ${xpath}`)
  }
  const seen = (text, ms = 60_000) => until(async () => (await run('return document.body.innerText')).includes(text), ms, text)
  const screenshot = async (path) => writeFile(path, Buffer.from(await call(session, 'GET', '/screenshot'), 'base64'))
  const open = (hash) => run('location.hash = arguments[0]', hash)
  return { run, find, click, seen, screenshot, open }
}
