import type { Sample } from '../../api'
import { t } from '../../i18n'
import { celsius, gb, percent, text, watts, mhz } from '../../lib/format'
import { reading, type SensorKey } from '../../state'

/** One line of the hardware replay. */
export interface Lane {
  key: SensorKey
  label: string
  values: (number | null)[]
  top: number
  fmt: (v: number | null) => string
}

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
  { key: 'swap_usage_gb', label: () => 'Swap', top: 0, fmt: (v) => text(gb(v)) },
]

/** The sensors that gave at least one reading. */
export function lanes(samples: readonly Sample[]): Lane[] {
  return kinds.flatMap((k) => {
    const values = samples.map((s) => reading(s, k.key))
    const most = Math.max(0, ...values.map((v) => v ?? 0))
    if (!values.some((v) => v !== null) || (k.key === 'swap_usage_gb' && most === 0)) return []
    return [{ key: k.key, label: k.label(), values, top: k.top || most * 1.15 || 1, fmt: k.fmt }]
  })
}
