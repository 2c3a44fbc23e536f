import { describe, expect, it } from 'vitest'
import type { Bottleneck, Objective, Run } from '../../api'
import { locale } from '../../lib/locale.svelte'
import { aRun, noStats, withSpeed } from '../../state/fixture'
import { aLimit, aStage, aSweep, someFigures } from '../../state/stagefixture'
import { lensCsv, lensJson } from './lens'
import { sentence } from './sentence'

const goal: Objective = { metric: 'ttft', percentile: 95, below_ms: 150 }
const said = (run: Run): string => {
  const s = sentence(run)
  return (s.head + s.rest).replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ')
}
const swept = (met: boolean[], slo: Objective[] = [goal]): Run => {
  const users = [1, 4, 8]
  const run = aSweep(met.map((ok, i) => aStage(i, users[i] ?? 1, [70, 290, 550][i] ?? 0, 100, slo.length ? ok : undefined)), 2)
  return { ...run, plan: { ...run.plan, slo } }
}
const searched = (stage: number | null, reason: string): Run => {
  const run = swept([true, true, false])
  return { ...run, plan: { ...run.plan, load: { kind: 'knee', objective: goal } }, summary: run.summary && { ...run.summary, knee: { stage, reason, detail: '' } } }
}

describe('the sentence of a result', () => {
  it.each<[string, Run, RegExp]>([
    ['holds up to a level', swept([true, true, false]), /^550\.0 tokens per second at 8 users\. Up to 4 users, TTFT p95 < 150 ms holds\.$/],
    ['holds everywhere', swept([true, true, true]), /All of it meets TTFT p95 < 150 ms\.$/],
    ['holds at some levels', swept([false, true, false]), /TTFT p95 < 150 ms: met at 4 users only\.$/],
    ['holds nowhere', swept([false, false, false]), /No stage meets TTFT p95 < 150 ms\.$/],
    ['has no objective', swept([true, true, true], []), /One request alone gets .* the first token comes after 90\.0 ms\.$/],
    ['found where it breaks', searched(1, 'objective'), /^Up to 4 users, TTFT p95 < 150 ms holds; above, it breaks\. There it writes 290\.0 /],
    ['found where throughput ends', searched(2, 'throughput'), /^Throughput stops rising at 8 users\./],
    ['found nothing', searched(null, 'objective'), /^Even the lowest load tried, 1 user, does not hold\.$/],
  ])('%s', (_what, run, want) => expect(said(run)).toMatch(want))

  it('of an open load counts from the due time and names what was dropped', () => {
    const base = withSpeed(aRun(), 10, 50)
    const figures = someFigures({
      output_tokens_per_second: 440, arrivals_per_second: 14, ttft_from_due_ms: { ...noStats, p50: 158, p95: 450, mean: 200, n: 230 }, lateness_ms: { ...noStats, mean: 40, n: 244 },
      requests: { ok: 230, error: 14, incomplete: 0, canceled: 0, dropped: 36 },
    })
    const run: Run = { ...base, plan: { ...base.plan, load: { kind: 'poisson', rate_per_s: 14 } }, summary: base.summary && { ...base.summary, ...figures, stages: [] } }
    expect(said(run)).toBe('440.0 tokens per second at 14.0 requests per second. The first token comes 158 ms after a request is due (95 of 100 within 450 ms). 40.0 ms of that is waiting to be sent. 36 of 280 arrivals were dropped.')
  })
  it.each<[string, Partial<Bottleneck>, RegExp, RegExp]>([
    ['a limit', { limit: 'memory_bandwidth' }, /^121\.8 tokens per second for one user, limited by memory bandwidth\. The/, /Limited by memory bandwidth\.$/],
    ['no limit', { limit: 'unknown', sentence: 'No single limit found; closest is memory bandwidth at 44 %.' }, /^121\.8 tokens per second for one user\. .*closest is memory bandwidth at 44 %\.$/, /closest is memory bandwidth at 44 %\.$/],
  ])('says %s', (_what, over, alone, sweep) => {
    expect(said({ ...withSpeed(aRun(), 121.8, 131), bottleneck: aLimit(over) })).toMatch(alone)
    expect(said({ ...swept([true, true, true]), bottleneck: aLimit(over) })).toMatch(sweep)
  })
  it('says a limit in Portuguese', () => {
    locale.lang = 'pt-BR'
    expect(said({ ...withSpeed(aRun(), 121.8, 131), bottleneck: aLimit({ limit: 'memory_bandwidth' }) })).toMatch(/^121,8 tokens por segundo para um usuário, limitado por banda de memória\./)
    locale.lang = 'en'
  })
  it('follows the language', () => {
    locale.lang = 'pt-BR'
    expect(said(swept([true, true, false]))).toBe('550,0 tokens por segundo com 8 usuários. Até 4 usuários, TTFT p95 < 150 ms se mantém.')
    locale.lang = 'en'
  })
})

describe('what another tool says', () => {
  const lens = { tool: 'vllm', name: 'vLLM', rows: [{ key: 'mean_ttft_ms', label: 'Mean TTFT (ms)', unit: 'ms', value: 12.5, ours: null, definition: 'Send, to "first"' }] }
  it('is copied as rows and as the tool’s own keys', () => {
    expect(lensCsv(lens)).toBe('key,label,value,ours,unit,definition\nmean_ttft_ms,Mean TTFT (ms),12.5,,ms,"Send, to ""first"""')
    expect(JSON.parse(lensJson(lens))).toEqual({ mean_ttft_ms: 12.5 })
  })
})
