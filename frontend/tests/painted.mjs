// How long the comparison of stored runs takes until it is painted, in a real browser:
// node tests/painted.mjs URL RUN RUN… prints the milliseconds of each round as one line of JSON. `make bench` calls it.
// "pressed" begins when C is pressed in Results with the runs chosen, "address" when a page that never showed a comparison goes to its
// address. Every round is a new page, so that nothing is remembered but the files of the interface.
import { api, openPage, startBrowser, visit } from './e2e/program.mjs'

const [url, ...ids] = process.argv.slice(2)
const ROUNDS = 7
const CHARTS = 3

/** Does what begins it and waits until all is drawn and the frame with it is out. */
const painted = (page, begin) => page.evaluate(([hash, count]) => new Promise((done) => {
  const start = performance.now()
  if (hash) location.hash = hash
  else document.dispatchEvent(new KeyboardEvent('keydown', { key: 'c', bubbles: true }))
  const look = () => {
    const drawn = [...document.querySelectorAll('main canvas')].filter((c) => c.width !== 300 || c.height !== 150).length
    if (!document.querySelector('main section.vd') || document.querySelector('main [aria-busy=true]') || drawn < count) return requestAnimationFrame(look)
    // What is drawn in this frame is on the screen when the next one begins.
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))
  }
  requestAnimationFrame(look)
}), [begin, CHARTS])

const browser = await startBrowser()
const order = (await api(url, '/benchmarks?limit=200')).map((r) => r.job_id)
const { page, faults } = await openPage(browser)
const cdp = await page.context().newCDPSession(page)
await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
/** The processor time of the page so far, in ms: what it takes itself, however busy the machine is with others. */
const spent = async () => 1000 * (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value
const out = { pressed: [], address: [], pressedCpu: [], addressCpu: [] }
async function measure(kind, begin) {
  const before = await spent()
  out[kind].push(await painted(page, begin))
  out[`${kind}Cpu`].push((await spent()) - before)
}
for (let round = 0; round < ROUNDS; round++) {
  await page.goto('about:blank')
  await visit(page, url, '#/results')
  for (const id of ids) await page.locator('tbody tr').nth(order.indexOf(id)).getByRole('checkbox').check()
  await page.waitForTimeout(300) // what opening the program itself loads is no part of it
  await page.locator('tbody tr').first().focus()
  await measure('pressed', '')
  await page.goto('about:blank')
  await visit(page, url, '#/api')
  await page.waitForTimeout(300)
  await measure('address', `#/compare?runs=${ids.join(',')}`)
}
await browser.close()
if (faults.length) throw new Error(faults.join('\n'))
console.log(JSON.stringify(out))
