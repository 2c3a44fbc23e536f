import type { RemoteSample, Sample } from '../../api'

/** What is charted of another machine. */
export const remoteKeys = ['cpu', 'gpu', 'cache', 'ram', 'vram', 'power', 'running', 'waiting', 'output', 'prompt'] as const
export type RemoteKey = (typeof remoteKeys)[number]

/** The charts of another machine: what shares a unit shares one. */
export const remoteCharts: { id: 'use' | 'memory' | 'power' | 'requests' | 'tokens'; unit: string; keys: RemoteKey[] }[] = [
  { id: 'use', unit: '%', keys: ['cpu', 'gpu', 'cache'] },
  { id: 'memory', unit: 'GB', keys: ['ram', 'vram'] },
  { id: 'power', unit: 'W', keys: ['power'] },
  { id: 'requests', unit: '', keys: ['running', 'waiting'] },
  { id: 'tokens', unit: 'tok/s', keys: ['output', 'prompt'] },
]

/** An answer holds until the next one is late. */
const HOLDS_MS = 3000

/** One reading of an answer; several GPUs: the mean of their use, the sum of memory and power. */
export function remoteReading(r: RemoteSample, key: RemoteKey): number | null {
  const of = (get: (g: RemoteSample['gpus'][number]) => number | null): number | null => {
    const values = r.gpus.map(get)
    return values.length && values.every((v) => v !== null) ? values.reduce<number>((a, v) => a + (v ?? 0), 0) : null
  }
  switch (key) {
    case 'cpu': return r.cpu_usage_percent
    case 'ram': return r.ram_usage_gb
    case 'cache': return r.kv_cache_percent
    case 'running': return r.requests_running
    case 'waiting': return r.requests_waiting
    case 'output': return r.output_tokens_per_second
    case 'prompt': return r.prompt_tokens_per_second
    case 'vram': return of((g) => g.vram_usage_gb)
    case 'power': return of((g) => g.power_w)
    case 'gpu': {
      const sum = of((g) => g.gpu_usage_percent)
      return sum === null ? null : sum / r.gpus.length
    }
  }
}

/** The sources of a run's samples, by name. */
export function remoteSources(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap((s) => (s.remote ?? []).map((r) => r.source)))].sort()
}

/** A reading of a source at the times of the samples: the last answer, while it holds. */
export function remoteValues(samples: readonly Sample[], source: string, key: RemoteKey): (number | null)[] {
  let value: number | null = null
  let at = -Infinity
  return samples.map((s) => {
    for (const r of s.remote ?? []) {
      if (r.source !== source) continue
      value = remoteReading(r, key)
      at = s.t_ms
    }
    return s.t_ms - at <= HOLDS_MS ? value : null
  })
}
