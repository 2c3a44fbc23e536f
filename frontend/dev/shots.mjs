// Takes pictures of the running interface: node dev/shots.mjs URL OUT [screen…]
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

const [url, out, ...wanted] = process.argv.slice(2)
const sizes = { big: { width: 1440, height: 900 }, small: { width: 1024, height: 640 } }
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const spec of wanted) {
  const [name, hash = '', theme = 'dark', size = 'big', press = '', lang = 'en-US'] = spec.split('|')
  const page = await browser.newPage({ viewport: sizes[size], colorScheme: theme, locale: lang })
  page.on('pageerror', (e) => console.log(name, 'error:', e.message))
  page.on('console', (m) => m.type() === 'error' && console.log(name, 'console:', m.text()))
  await page.goto(`${url}/#/${hash}`)
  await page.waitForTimeout(3000)
  for (const key of press.split(',').filter(Boolean)) {
    if (key.startsWith('click:')) await page.getByRole('button', { name: key.slice(6) }).or(page.getByRole('tab', { name: key.slice(6) })).first().click()
    else if (key.startsWith('wait:')) await page.waitForTimeout(Number(key.slice(5)))
    else await page.keyboard.press(key)
    await page.waitForTimeout(600)
  }
  await page.screenshot({ path: `${out}/${name}.png` })
  await page.close()
}
await browser.close()
