import type { SensorInfo } from '../../state'

/** The sensors in groups, as the list shows them. */

export const groups = ['cpu', 'memory', 'pressure', 'disk', 'network', 'gpu', 'power', 'other'] as const
export type GroupName = (typeof groups)[number]

export interface Group {
  name: GroupName
  /** Which GPU; null for the machine. */
  gpu: number | null
  present: SensorInfo[]
  /** Sensors that are missing for the same reason stand together. */
  missing: { sensors: SensorInfo[]; reason: string; remedy: string }[]
}

const gpuKeys: ReadonlySet<string> = new Set(['gpu_usage_percent', 'vram_usage_gb', 'power_w', 'gpu_temp_c', 'clock_mhz', 'power_instant_w', 'energy_j', 'limit_reasons',
  'fan_percent', 'engine_vram_gb', 'other_vram_gb', 'other_gpu_percent', 'memory_bus_percent', 'memory_clock_mhz', 'pcie_receive_mb_per_s', 'pcie_send_mb_per_s'])

/** Read by another way than as one number: each core has its own bar. */
const listed: ReadonlySet<string> = new Set(['cpu_cores_percent'])

export function groupOf(key: string): GroupName {
  if (gpuKeys.has(key)) return 'gpu'
  if (key.includes('_pressure_')) return 'pressure'
  if (key === 'cpu_energy_j' || key === 'battery_power_w') return 'power'
  if (/^(ram|swap)_|_rss_|_faults_/.test(key)) return 'memory'
  if (key.startsWith('disk_')) return 'disk'
  if (key.startsWith('net_')) return 'network'
  return /^(engine_|self_)?cpu_|^(steal|iowait)_/.test(key) ? 'cpu' : 'other'
}

/** The groups that hold a sensor; GPUs are the numbers of those that were found. */
export function grouped(sensors: SensorInfo[], gpus: number[]): Group[] {
  return groups.flatMap((name): Group[] => {
    const own = sensors.filter((s) => groupOf(s.key) === name && !listed.has(s.key))
    if (own.length === 0) return []
    const one = { name, present: own.filter((s) => s.available), missing: why(own.filter((s) => !s.available)) }
    return name === 'gpu' && gpus.length ? gpus.map((gpu) => ({ ...one, gpu })) : [{ ...one, gpu: null }]
  })
}

function why(missing: SensorInfo[]): Group['missing'] {
  const out: Group['missing'] = []
  for (const s of missing) {
    const same = out.find((m) => m.reason === s.reason && m.remedy === s.remedy)
    if (same) same.sensors.push(s)
    else out.push({ sensors: [s], reason: s.reason, remedy: s.remedy })
  }
  return out
}

/** The name of a GPU's sensor in the sample of one GPU. */
export function ofGpu(key: string): string {
  return key === 'gpu_temp_c' ? 'temp_c' : key
}
