// Finished experiments as the program tells them, put into an answer of its own.

const end = { at: '2026-11-30T12:00:00Z', status: 'completed', reason: 'complete', message: '' }

const point = (users, runs, met, requests, low, high, holds, reason = '') =>
  ({ arm: users, users, runs, met, requests, share: met / requests, interval: [low, high], holds, reason })

/** Chat ends at 12 users, voice at none. */
export function capacityDone(e, job) {
  const of = (n) => Array(n).fill(job)
  const [chat, voice] = e.capacity.personas
  const points = [
    point(1, of(1), 32, 32, 0.89, 1, 'likely'), point(2, of(1), 32, 32, 0.89, 1, 'likely'), point(4, of(1), 32, 32, 0.89, 1, 'likely'),
    point(8, of(1), 32, 32, 0.89, 1, 'likely'), point(10, of(3), 96, 96, 0.961, 1, 'shown'), point(12, of(3), 93, 96, 0.912, 0.989, 'likely'),
    point(13, of(3), 89, 96, 0.856, 0.964, 'unlikely', 'TTFT p95 is 1105 ms; the limit is 1000 ms.'), point(15, of(3), 71, 96, 0.645, 0.817, 'refuted', 'TTFT p95 is 1290 ms; the limit is 1000 ms.'),
    point(16, of(1), 10, 32, 0.18, 0.486, 'refuted', 'TTFT p95 is 1420 ms; the limit is 1000 ms.'),
  ]
  const reason = 'TTFT p95 is 740 ms; the limit is 400 ms.'
  return { ...e, status: 'completed', ended: end, capacity: { personas: [
    { ...chat, state: 'found', points, users: 12, low: 10, high: 14, spread: 1.6, sentence: '12 users (10–14 with 95 % confidence).' },
    { ...voice, state: 'none', points: [point(1, of(3), 38, 96, 0.303, 0.496, 'refuted', reason)], users: 0, low: 0, high: 0, spread: 1,
      sentence: `Not even one user: 40.0 % of the requests met the objectives; 95 % must. ${reason}` },
  ] } }
}

const names = ['Default', 'threads 2', 'threads 4', 'threads 6', 'threads 8', 'threads 16', 'ubatch 128', 'ubatch 256', 'ubatch 1024', 'flash on', 'flash off',
  'threads 8, flash on', 'threads 6, ubatch 256', 'threads 16, ubatch 1024, flash on', 'threads 4, flash off', 'ubatch 2048, flash on']
const speeds = [50.3, 31.2, 44.9, 48.8, 52.9, 41.6, 50.1, 50.6, 50.9, 51.8, 49.5, 54.6, 49.2, 43.3, 44.1, 0]

/** Sixteen candidates, three rounds, and a final that threads 8 with flash attention wins. */
export function tuneDone(e, job) {
  const candidate = (arm, runs, state) => (state === 'failed' ? { arm, runs: 0, value: null, percent: null, state, reason: 'Out of memory.' }
    : { arm, runs, value: speeds[arm], percent: 100 * (speeds[arm] / speeds[0] - 1), state, reason: '' })
  const round = (blocks, keep, list) => ({ blocks, planned: blocks.length, done: true,
    candidates: list.map((arm, i) => candidate(arm, blocks.at(-1) + 1, speeds[arm] === 0 ? 'failed' : i < keep || arm === 0 ? 'kept' : 'dropped')) })
  const order = names.map((_, i) => i).sort((a, b) => speeds[b] - speeds[a])
  const rounds = [round([0], 7, order), round([1, 2], 3, [11, 4, 9, 8, 7, 0, 6]), round([3, 4, 5, 6], 1, [11, 4, 9, 0])]
  const sides = [{ name: 'Default', runs: Array(8).fill(job) }, { name: names[11], runs: Array(8).fill(job) }]
  const metric = (key, unit, better, a, b, ratio, interval, verdict) => ({ key, unit, better, values: [
    { mean: a, interval: [a * 0.99, a * 1.01], n: 8, effect: null },
    { mean: b, interval: [b * 0.99, b * 1.01], n: 8, effect: { ratio, interval, p: 0.008, adjusted_p: 0.02, verdict, at_least: 'yes' } }] })
  const final = { paired: true, baseline: 0, min_effect_percent: 2, sides, warnings: [], apart_s: null, judged: ['decode_tokens_per_second', 'output_tokens_per_second', 'ttft_ms'],
    load: '', loads: [], main: 'decode_tokens_per_second', odd: [], why: [], metrics: [
    metric('decode_tokens_per_second', 'tok/s', 'higher', 50.2, 54.3, 1.082, [1.071, 1.093], 'better'),
    metric('output_tokens_per_second', 'tok/s', 'higher', 46.1, 49.4, 1.072, [1.05, 1.094], 'better'),
    metric('ttft_ms', 'ms', 'lower', 212, 209, 0.986, [0.952, 1.021], 'no_difference')],
  differs: [{ key: 'threads', about: 'engine', values: ['15', '8'] }], sentence: `${names[11]} is faster than Default: +8.2 %, from +7.1 % to +9.3 %.` }
  const arms = names.map((name) => ({ name, benchmark: { ...e.arms[0].benchmark, model_id: 'smollm2-135m' } }))
  return { ...e, kind: 'tune', capacity: null, design: { tune: { candidates: 16, eta: 2, pairs: 8, metric: 'decode_tokens_per_second' } }, arms, status: 'completed', ended: end,
    tune: { metric: 'decode_tokens_per_second', unit: 'tok/s', better: 'higher', rounds, best: 11, final, verdict: 'use', settings: { threads: 8, flash_attention: 'on' },
      worse: [], answers: false, sentence: `Use ${names[11]}: +8.2 %, from +7.1 % to +9.3 %.` } }
}
