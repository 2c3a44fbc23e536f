// The program with a small server that it measures, and a browser: what tests of experiments begin with.
import { startServer } from './fakeserver.mjs'
import { api, send, startBrowser, startProgram } from './program.mjs'

/** The welcome is over, and the server is an endpoint by the name of Test. */
export async function startAll() {
  const program = await startProgram()
  const browser = await startBrowser()
  const server = await startServer([0])
  await api(program.url, '/settings', send('PATCH', { onboarding_done: true }))
  const endpoint = await api(program.url, '/endpoints', send('POST', { name: 'Test', base_url: server.url }))
  return { program, browser, server, endpoint }
}

/** What did not start is left out. */
export async function stopAll({ program, browser, server }) {
  await browser?.close()
  await server?.stop()
  await program?.stop()
}
