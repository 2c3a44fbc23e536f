// A small server that speaks the OpenAI way, at one of the ports that the program looks at.
import { createServer } from 'node:http'
import { once } from 'node:events'

/**
 * Listens at the first free port of the list, 0 being any; null when all are taken by other programs.
 * A model whose name ends in -slow takes more than three times as long; pace.factor slows all of them down. With failEvery each so-many-th generation is refused with status 429.
 * What say returns for a request is answered at once, and ended by the model itself.
 */
export async function startServer(ports = [1234, 8080, 11434], { failEvery = 0, say = () => null } = {}) {
  let asked = 0
  const pace = { factor: 1 }
  const refuse = (req) => failEvery > 0 && req.method === 'POST' && ++asked % failEvery === 0
  for (const port of ports) {
    const server = createServer((req, res) => (refuse(req) ? json(res, { error: { message: 'too many' } }, 429) : answer(req, res, pace, say)))
    server.listen(port, '127.0.0.1')
    const up = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)])
    if (!up) continue
    return { url: `http://127.0.0.1:${server.address().port}/v1`, pace, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections() }) }
  }
  return null
}

async function answer(req, res, pace, own) {
  if (req.method === 'GET' && req.url === '/v1/models') return json(res, { object: 'list', data: [{ id: 'tiny-test', object: 'model', owned_by: 'test' }] })
  if (req.method !== 'POST' || req.url !== '/v1/chat/completions') return json(res, { error: { message: 'not found' } }, 404)
  let text = ''
  for await (const part of req) text += part
  const body = JSON.parse(text)
  const whole = own(body)
  if (whole !== null) return atOnce(res, whole)
  const words = Math.min(body.max_tokens ?? body.max_completion_tokens ?? 16, 64)
  const usage = { prompt_tokens: 8, completion_tokens: words, total_tokens: 8 + words }
  if (!body.stream) return json(res, { object: 'chat.completion', choices: [{ index: 0, finish_reason: 'length', message: { role: 'assistant', content: ' word'.repeat(words) } }], usage })
  res.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const say = (event) => res.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', model: 'tiny-test', ...event })}\n\n`)
  say({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
  for (let i = 0; i < words; i++) {
    say({ choices: [{ index: 0, delta: { content: ' word' }, finish_reason: null }] })
    await new Promise((next) => setTimeout(next, (body.model?.endsWith('-slow') ? 14 : 4) * pace.factor)) // the pace of a model
  }
  say({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] })
  say({ choices: [], usage })
  res.end('data: [DONE]\n\n')
}

function atOnce(res, text) {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' })
  const say = (event) => res.write(`data: ${JSON.stringify({ object: 'chat.completion.chunk', model: 'tiny-test', ...event })}\n\n`)
  say({ choices: [{ index: 0, delta: { role: 'assistant', content: text }, finish_reason: null }] })
  say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  say({ choices: [], usage: { prompt_tokens: 8, completion_tokens: 4, total_tokens: 12 } })
  res.end('data: [DONE]\n\n')
}

function json(res, body, status = 200) {
  res.writeHead(status, { 'Content-Type': 'application/json' })
  res.end(JSON.stringify(body))
}
