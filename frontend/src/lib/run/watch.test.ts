import { describe, expect, it } from 'vitest'
import type { GPUSample, Sample } from '../../api/types'
import { aGPU, aSample } from '../../state/fixture'
import { watched } from './watch'

const about = { periodMs: 100, threads: 4, vramGb: () => 24 }
/** Ten readings a second; each is what make says of its second. */
const run = (seconds: number, make: (t: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: seconds * 10 + 1 }, (_, i) => aSample(i / 10, { phase: 'measure', ...make(i / 10) }))
const card = (seconds: number, make: (t: number) => Partial<GPUSample>): Sample[] => run(seconds, (t) => ({ gpus: [aGPU(make(t))] }))
const told = (samples: Sample[]): unknown[] => watched(samples, about).map((e) => [e.kind, e.id ?? '', e.from, e.to])
const between = (t: number, from: number, to: number): boolean => t >= from && t < to

describe('a watch over readings', () => {
  it('says nothing of a run without events', () => {
    expect(told(card(20, () => ({})))).toEqual([])
    expect(told(run(20, () => ({})))).toEqual([])
  })
  it.each([
    ['heat at once', 'hw_thermal', 5, 5.2, [['throttle', 'hw_thermal', 5, 5.1]]],
    ['the power limit after a second', 'power_cap', 5, 7, [['throttle', 'power_cap', 5, 6.9]]],
    ['not the power limit of a moment', 'power_cap', 5, 5.5, []],
    ['not being idle', 'idle', 0, 20, []],
  ])('tells what holds the clock: %s', (_what, reason, from, to, want) => {
    expect(told(card(20, (t) => ({ limit_reasons: between(t, from, to) ? [reason] : [] })))).toEqual(want)
  })
  it('joins a reason that comes and goes, and keeps two apart', () => {
    const samples = card(20, (t) => ({ limit_reasons: [...(between(t, 2, 18) && Math.round(t * 10) % 5 ? ['power_cap'] : []), ...(between(t, 10, 12) ? ['sw_thermal'] : [])] }))
    expect(told(samples)).toEqual([['throttle', 'power_cap', 2.1, 17.9], ['throttle', 'sw_thermal', 10, 11.9]])
  })
  it('finds a clock that fell by 3 % within two seconds, with both clocks', () => {
    const [e] = watched(card(20, (t) => ({ clock_mhz: t < 8 ? 1900 : 1800 })), about)
    expect(e).toMatchObject({ kind: 'clock', before: 1900, to: 20, gpu: 0 })
    expect((e?.from ?? 0) - 8).toBeGreaterThan(0)
    expect((e?.from ?? 0) - 8).toBeLessThan(2)
    expect(Math.round(e?.value ?? 0)).toBe(1800)
  })
  it.each([
    ['noise', (t: number) => ({ clock_mhz: 1900 - (Math.round(t * 10) % 3) * 10 })],
    ['a fall of 2 %', (t: number) => ({ clock_mhz: t < 8 ? 1900 : 1865 })],
    ['a card without work', (t: number) => ({ clock_mhz: t < 8 ? 1900 : 210, gpu_usage_percent: t < 8 ? 97 : 3 })],
  ])('takes no throttle from %s', (_what, make) => {
    expect(told(card(20, make))).toEqual([])
  })
  it('tells a fall with its reason once', () => {
    const samples = card(20, (t) => ({ clock_mhz: t < 8 ? 1900 : 1700, limit_reasons: t < 8 ? [] : ['sw_thermal'] }))
    expect(watched(samples, about)).toMatchObject([{ kind: 'throttle', id: 'sw_thermal', from: 8, before: 1900, value: 1700 }])
  })
  it.each([
    ['memory that is full', (t: number) => ({ vram_usage_gb: between(t, 5, 9) ? 23.8 : 12 }), [['vram', '', 5, 8.9]]],
    ['memory that others took', (t: number) => ({ other_vram_gb: between(t, 5, 9) ? 2 : 0.2 }), [['vram_other', '', 5, 8.9]]],
    ['others at work, where the engine’s part is known', (t: number) => ({ engine_gpu_percent: between(t, 5, 9) ? 80 : 97 }), [['gpu_shared', '', 5, 8.9]]],
    ['others for a moment', (t: number) => ({ engine_gpu_percent: between(t, 5, 6) ? 80 : 97 }), []],
    ['a card that is gone', (t: number) => (t < 5 ? {} : { gpu_usage_percent: null, vram_usage_gb: null, power_w: null, temp_c: null, clock_mhz: null }), [['gpu_lost', '', 5, 20]]],
  ])('sees %s', (_what, make, want) => {
    expect(told(card(20, make))).toEqual(want)
  })
  it('sees a card that is no longer listed, and not one reading that is missing', () => {
    expect(told(run(20, (t) => ({ gpus: t < 5 ? [aGPU()] : [] })))).toEqual([['gpu_lost', '', 5, 20]])
    expect(told(run(20, (t) => ({ gpus: t === 5 ? [] : [aGPU()] })))).toEqual([])
  })
  it('takes any work of the card while the engine rests for that of others', () => {
    expect(told(run(5, () => ({ phase: 'settle', gpus: [aGPU({ gpu_usage_percent: 11 })] })))).toEqual([['gpu_shared', '', 0, 5]])
  })
  it('sees other programs on the processor, swap, and readings left out', () => {
    expect(told(run(20, (t) => ({ cpu_usage_percent: 90, engine_cpu_percent: between(t, 5, 9) ? 200 : 356 })))).toEqual([['cpu_shared', '', 5, 8.9]])
    expect(told(run(20, (t) => ({ swap_usage_gb: t < 3 ? 1 : 1.2 })))).toEqual([['swap', '', 3, null]])
    const late = watched(run(20, (t) => ({ late_ms: t === 4 ? 250 : t === 6 ? 120 : 9 })), about)
    expect(late).toMatchObject([{ kind: 'missed', from: 4, to: 6, value: 3 }])
  })
  it('knows a spell between thinned readings', () => {
    const thin = Array.from({ length: 40 }, (_, i) => aSample(i * 4, { phase: 'measure', gpus: [aGPU({ limit_reasons: i >= 10 && i < 20 ? ['sw_thermal'] : [] })] }))
    expect(told(thin)).toEqual([['throttle', 'sw_thermal', 40, 76]])
  })
})
