// A past: runs as they would have been measured over weeks, made from one that was really measured.
import { api } from './program.mjs'

const DAY = 86_400_000

/** Numbers from 0 to 1 that are the same each time. */
export function dice(seed) {
  let x = seed
  return () => {
    x = (x * 1664525 + 1013904223) % 2 ** 32
    return x / 2 ** 32
  }
}

/** Noise around 1, of about so large a standard deviation. */
export const around = (roll, sd) => 1 + sd * (roll() + roll() + roll() + roll() - 2) * Math.sqrt(3)

/** Brings in copies of a run, one for each entry: {days (ago), speed (a factor), build, change (of the run)}. */
export async function bringPast(url, id, entries) {
  const text = await (await fetch(`${url}/api/v1/export?format=jsonl&ids=${id}`)).text()
  const [head, first] = text.split('\n')
  const { run } = JSON.parse(first)
  const lines = entries.map((e, i) => {
    const copy = structuredClone(run)
    const at = new Date(Date.now() - e.days * DAY).toISOString()
    Object.assign(copy, { job_id: crypto.randomUUID(), created_at: at, started_at: at, ended_at: at, name: `Nightly ${i + 1}`, tags: [] })
    const f = copy.summary
    for (const key of ['decode_tokens_per_second', 'output_tokens_per_second', 'requests_per_second']) f[key] = e.speed * (run.summary[key] ?? 0)
    for (const key of ['ttft_ms', 'tpot_ms', 'itl_ms', 'e2e_ms']) for (const q of ['mean', 'p50', 'p90', 'p95']) f[key][q] = (run.summary[key][q] ?? 0) / e.speed
    copy.validity = { verdict: 'valid', checks: [], interference: [] }
    copy.environment.engine.build = e.build ?? copy.environment.engine.build
    e.change?.(copy)
    return `${JSON.stringify({ run: copy })}\n${JSON.stringify({ end: { phases: 0, requests: 0, samples: 0 } })}`
  })
  return api(url, '/import', { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' }, body: `${head}\n${lines.join('\n')}\n` })
}

