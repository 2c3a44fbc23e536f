import { t } from '../../i18n'
import type { SensorKey } from '../../state'

/** A chart of the machine beside the main ones. */
export interface Further {
  id: string
  title: string
  unit: string
  decimals: number
  /** The axis reaches this far even when readings are small. */
  least?: number
  lines: { key: SensorKey; label: string; color: string }[]
}

/** The charts of these ids, in their order and in the chosen language. */
export function further(...ids: string[]): Further[] {
  const all: Further[] = [
    { id: 'clock', title: t('hardware.clockChart'), unit: 'MHz', decimals: 0, lines: [{ key: 'clock_mhz', label: t('live.gpu'), color: '--d1' }] },
    { id: 'cpuclock', title: t('hardware.cpuClockChart'), unit: 'MHz', decimals: 0, lines: [{ key: 'cpu_clock_mhz', label: t('hardware.cpu'), color: '--d1' }] },
    { id: 'cpuheat', title: t('hardware.cpuHeatChart'), unit: '°C', decimals: 0, lines: [{ key: 'cpu_temp_c', label: t('hardware.cpu'), color: '--d2' }] },
    { id: 'pressure', title: t('hardware.group_pressure'), unit: '%', decimals: 1, least: 10, lines: [{ key: 'cpu_pressure_percent', label: t('hardware.cpu'), color: '--d1' },
      { key: 'memory_pressure_percent', label: t('hardware.ram'), color: '--d4' }, { key: 'io_pressure_percent', label: t('hardware.group_disk'), color: '--d3' }] },
    { id: 'disk', title: t('hardware.group_disk'), unit: 'MB/s', decimals: 1, least: 1, lines: [
      { key: 'disk_read_mb_per_s', label: t('hardware.read'), color: '--d1' }, { key: 'disk_write_mb_per_s', label: t('hardware.written'), color: '--d4' }] },
    { id: 'network', title: t('hardware.group_network'), unit: 'MB/s', decimals: 2, least: 1, lines: [
      { key: 'net_receive_mb_per_s', label: t('hardware.received'), color: '--d1' }, { key: 'net_send_mb_per_s', label: t('hardware.sent'), color: '--d4' }] },
    { id: 'battery', title: t('hardware.batteryChart'), unit: 'W', decimals: 1, lines: [{ key: 'battery_power_w', label: t('hardware.whole'), color: '--d1' }] },
  ]
  return ids.flatMap((id) => all.filter((c) => c.id === id))
}
