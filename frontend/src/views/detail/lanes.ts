import type { Sample } from '../../api'
import { t } from '../../i18n'
import { celsius, energy, gb, mbS, num, percent, text, watts, mhz } from '../../lib/format'
import { remoteKeys, remoteSources, remoteValues, type RemoteKey } from '../../lib/run/remote'
import { reading, type SensorKey } from '../../state'

/** One line of the hardware replay. */
export interface Lane {
  key: string
  label: string
  values: (number | null)[]
  top: number
  fmt: (v: number | null) => string
}

const share = (v: number | null): string => text(percent(v, v !== null && v > 0 && v < 10 ? 1 : 0))

/** Troubles: a lane of them is worth its room only where there was some. */
const quiet: ReadonlySet<SensorKey> = new Set(['swap_usage_gb', 'steal_percent', 'cpu_throttled_percent'])

const kinds: { key: SensorKey; label: () => string; top: number; fmt: (v: number | null) => string }[] = [
  { key: 'gpu_usage_percent', label: () => 'GPU', top: 100, fmt: (v) => text(percent(v)) },
  { key: 'power_w', label: () => t('live.power'), top: 0, fmt: (v) => text(watts(v)) },
  { key: 'clock_mhz', label: () => t('live.clock'), top: 0, fmt: (v) => text(mhz(v)) },
  { key: 'gpu_temp_c', label: () => t('live.heat'), top: 100, fmt: (v) => text(celsius(v)) },
  { key: 'vram_usage_gb', label: () => 'VRAM', top: 0, fmt: (v) => text(gb(v)) },
  { key: 'cpu_usage_percent', label: () => 'CPU', top: 100, fmt: (v) => text(percent(v)) },
  { key: 'engine_cpu_percent', label: () => `CPU, ${t('live.engine')}`, top: 0, fmt: (v) => text(percent(v)) },
  { key: 'ram_usage_gb', label: () => 'RAM', top: 0, fmt: (v) => text(gb(v)) },
  { key: 'engine_rss_gb', label: () => `RAM, ${t('live.engine')}`, top: 0, fmt: (v) => text(gb(v)) },
  { key: 'cpu_clock_mhz', label: () => t('hardware.cpuClockChart'), top: 0, fmt: (v) => text(mhz(v)) },
  { key: 'cpu_temp_c', label: () => t('hardware.cpuHeatChart'), top: 100, fmt: (v) => text(celsius(v)) },
  { key: 'energy_j', label: () => t('hardware.s_energy_j'), top: 0, fmt: (v) => text(energy(v)) },
  { key: 'battery_power_w', label: () => t('hardware.batteryChart'), top: 0, fmt: (v) => text(watts(v)) },
  { key: 'disk_read_mb_per_s', label: () => t('hardware.s_disk_read_mb_per_s'), top: 0, fmt: (v) => text(mbS(v)) },
  { key: 'disk_write_mb_per_s', label: () => t('hardware.s_disk_write_mb_per_s'), top: 0, fmt: (v) => text(mbS(v)) },
  { key: 'net_receive_mb_per_s', label: () => t('detail.laneReceived'), top: 0, fmt: (v) => text(mbS(v)) },
  { key: 'net_send_mb_per_s', label: () => t('detail.laneSent'), top: 0, fmt: (v) => text(mbS(v)) },
  { key: 'cpu_pressure_percent', label: () => t('hardware.s_cpu_pressure_percent'), top: 100, fmt: share },
  { key: 'memory_pressure_percent', label: () => t('detail.laneMemPressure'), top: 100, fmt: share },
  { key: 'io_pressure_percent', label: () => t('hardware.s_io_pressure_percent'), top: 100, fmt: share },
  { key: 'steal_percent', label: () => t('hardware.steal'), top: 100, fmt: share },
  { key: 'cpu_throttled_percent', label: () => t('hardware.quota'), top: 100, fmt: share },
  { key: 'swap_usage_gb', label: () => 'Swap', top: 0, fmt: (v) => text(gb(v)) },
]

function remoteFmt(key: RemoteKey): Lane['fmt'] {
  if (key === 'cpu' || key === 'gpu' || key === 'cache') return (v) => text(percent(v))
  if (key === 'ram' || key === 'vram') return (v) => text(gb(v))
  if (key === 'power') return (v) => text(watts(v))
  return (v) => (v === null ? '–' : num(v, v < 10 ? 1 : 0))
}

/** The readings of other machines, machine after machine. */
function remoteLanes(samples: readonly Sample[]): Lane[] {
  return remoteSources(samples).flatMap((source) => remoteKeys.flatMap((key): Lane[] => {
    const values = remoteValues(samples, source, key)
    if (!values.some((v) => v !== null)) return []
    const most = Math.max(...values.map((v) => v ?? 0))
    const share = key === 'cpu' || key === 'gpu' || key === 'cache'
    return [{ key: `${source} ${key}`, label: `${source} · ${t(`live.remote_${key}`)}`, values, top: share ? 100 : most * 1.15 || 1, fmt: remoteFmt(key) }]
  }))
}

/** The sensors that gave at least one reading; those of this machine come first. */
export function lanes(samples: readonly Sample[]): Lane[] {
  return [...ownLanes(samples), ...remoteLanes(samples)]
}

function ownLanes(samples: readonly Sample[]): Lane[] {
  return kinds.flatMap((k) => {
    const values = samples.map((s) => reading(s, k.key))
    const most = Math.max(0, ...values.map((v) => v ?? 0))
    if (!values.some((v) => v !== null) || (quiet.has(k.key) && most === 0)) return []
    return [{ key: k.key, label: k.label(), values, top: k.top || most * 1.15 || 1, fmt: k.fmt }]
  })
}
