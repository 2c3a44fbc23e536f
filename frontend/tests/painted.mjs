// How long the comparison of stored runs takes from its address to the painted picture, in a real browser:
// node tests/painted.mjs URL RUN RUN… prints the milliseconds of each round as one line of JSON. `make bench` calls it.
import { openPage, startBrowser, visit } from './e2e/program.mjs'

const [url, ...ids] = process.argv.slice(2)
const ROUNDS = 7

/** Goes to an address and waits until all of it is drawn and the frame with it is out. */
async function painted(page, hash, charts) {
  return page.evaluate(([to, count]) => new Promise((done) => {
    const begin = performance.now()
    location.hash = to
    const look = () => {
      const drawn = [...document.querySelectorAll('main canvas')].filter((c) => c.width > 300 || c.height !== 150).length
      if (!document.querySelector('main h1') || document.querySelector('main [aria-busy=true]') || !document.querySelector('main section.vd') || drawn < count) return requestAnimationFrame(look)
      // What is drawn in this frame is on the screen when the next one begins.
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)))
    }
    requestAnimationFrame(look)
  }), [hash, charts])
}

const browser = await startBrowser()
const { page, faults } = await openPage(browser)
const out = { alike: [], each: [] }
const CHARTS = 3
for (let round = 0; round < ROUNDS; round++) {
  for (const [kind, more] of [['alike', ''], ['each', '&each=1']]) {
    await visit(page, url, '#/api')
    await page.waitForTimeout(400) // what opening the program itself loads is no part of it
    out[kind].push(await painted(page, `#/compare?runs=${ids.join(',')}${more}`, CHARTS))
  }
}
await browser.close()
if (faults.length) throw new Error(faults.join('\n'))
console.log(JSON.stringify(out))
