import { describe, expect, it } from 'vitest'
import type { SensorInfo } from '../../state'
import { grouped, groupOf } from './groups'

const sensor = (key: string, reason = '', remedy = ''): SensorInfo => ({ key, name: key, unit: '', source: '', available: reason === '', reason, remedy, window_ms: null })

describe('the groups of sensors', () => {
  it.each([
    ['cpu_usage_percent', 'cpu'], ['steal_percent', 'cpu'], ['engine_cpu_percent', 'cpu'], ['cpu_clock_mhz', 'cpu'], ['cpu_pressure_percent', 'pressure'], ['io_pressure_percent', 'pressure'],
    ['engine_rss_gb', 'memory'], ['swap_in_mb_per_s', 'memory'], ['engine_major_faults_per_s', 'memory'], ['disk_read_mb_per_s', 'disk'], ['net_send_mb_per_s', 'network'],
    ['cpu_energy_j', 'power'], ['battery_power_w', 'power'], ['power_w', 'gpu'], ['memory_bus_percent', 'gpu'], ['engine_vram_gb', 'gpu'], ['noise_db', 'other'],
  ])('%s is of %s', (key, group) => expect(groupOf(key)).toBe(group))
  it('each GPU has a group of its own, and without one they stand once', () => {
    const list = [sensor('gpu_usage_percent'), sensor('cpu_usage_percent'), sensor('cpu_cores_percent')]
    expect(grouped(list, [0, 2]).map((g) => [g.name, g.gpu, g.present.length])).toEqual([['cpu', null, 1], ['gpu', 0, 1], ['gpu', 2, 1]])
    expect(grouped([sensor('power_w', 'no GPU')], []).map((g) => [g.name, g.gpu])).toEqual([['gpu', null]])
  })
  it('what is missing for one reason stands together', () => {
    const [cpu] = grouped([sensor('cpu_clock_mhz', 'a'), sensor('cpu_temp_c', 'a'), sensor('steal_percent', 'a', 'do this')], [])
    expect(cpu?.missing.map((m) => [m.sensors.length, m.remedy])).toEqual([[2, ''], [1, 'do this']])
  })
})
