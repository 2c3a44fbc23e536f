import { describe, expect, it } from 'vitest'
import type { RemoteSample } from '../../api'
import { aGPU, aSample } from '../../state/fixture'
import { remoteReading, remoteSources, remoteValues } from './remote'

function answer(over: Partial<RemoteSample> = {}): RemoteSample {
  return {
    source: 'gpu-1:9400', timestamp: '', age_ms: 0, error: '', cpu_usage_percent: null, ram_usage_gb: null, ram_total_gb: null, gpus: [], requests_running: null,
    requests_waiting: null, kv_cache_percent: null, output_tokens_per_second: null, prompt_tokens_per_second: null, ...over,
  }
}

describe('readings of other machines', () => {
  it('take the mean use and the whole memory and power of several GPUs', () => {
    const r = answer({ gpus: [aGPU({ gpu_usage_percent: 90, vram_usage_gb: 10, power_w: 300 }), aGPU({ gpu_usage_percent: 50, vram_usage_gb: 6, power_w: null })] })
    expect(remoteReading(r, 'gpu')).toBe(70)
    expect(remoteReading(r, 'vram')).toBe(16)
    expect(remoteReading(r, 'power')).toBeNull()
    expect(remoteReading(answer(), 'gpu')).toBeNull()
  })

  it('hold until the next answer is late, and are gone after a failure', () => {
    const at = (t: number, ...remote: RemoteSample[]) => aSample(t, { remote })
    const samples = [at(0), at(1, answer({ cpu_usage_percent: 40 })), at(2), at(4), at(5), at(6, answer({ cpu_usage_percent: 20 }), answer({ source: 'a:1' })), at(7, answer({ error: 'Gone.' }))]
    expect(remoteValues(samples, 'gpu-1:9400', 'cpu')).toEqual([null, 40, 40, 40, null, 20, null])
    expect(remoteSources(samples)).toEqual(['a:1', 'gpu-1:9400'])
  })
})
