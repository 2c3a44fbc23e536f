// Runs axe over screens of the running interface: node dev/axe.mjs URL hash…
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [url, ...hashes] = process.argv.slice(2)
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
let bad = 0
for (const colorScheme of ['dark', 'light']) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme })
  for (const hash of hashes) {
    await page.goto(`${url}/#/${hash}`)
    await page.waitForTimeout(2500)
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => window.axe.run())
    for (const v of violations) console.log(colorScheme, hash, v.id, v.nodes.map((n) => n.html.slice(0, 140)).slice(0, 4))
    bad += violations.length
  }
  await page.close()
}
await browser.close()
console.log(`${bad} violations`)
process.exit(bad ? 1 : 0)
