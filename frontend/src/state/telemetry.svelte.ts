import { calls, type Sample } from '../api'
import { Ring, type Columns } from '../lib/rings'
import { Running, type Extent } from '../lib/stats'

/** The sensors that charts know, in the order of the ring's columns. */
export const sensors = [
  'cpu_usage_percent', 'ram_usage_gb', 'swap_usage_gb', 'engine_cpu_percent', 'engine_rss_gb', 'self_cpu_percent',
  'gpu_usage_percent', 'vram_usage_gb', 'power_w', 'gpu_temp_c', 'memory_bus_percent', 'clock_mhz', 'energy_j',
  'steal_percent', 'iowait_percent', 'cpu_throttled_percent', 'cpu_pressure_percent', 'memory_pressure_percent', 'io_pressure_percent',
  'disk_read_mb_per_s', 'disk_write_mb_per_s', 'net_receive_mb_per_s', 'net_send_mb_per_s', 'cpu_clock_mhz', 'cpu_temp_c', 'battery_power_w',
] as const

export type SensorKey = (typeof sensors)[number];

/** The reading of one sensor in a sample; bus, clock and energy come from the first GPU. */
export function reading(s: Sample, key: SensorKey): number | null {
  if (key === 'memory_bus_percent' || key === 'clock_mhz' || key === 'energy_j') return s.gpus?.[0]?.[key] ?? null
  return s[key]
}

function row(s: Sample): (number | null)[] {
  return sensors.map((k) => reading(s, k))
}

/** Samples in a ring, read by column. */
export class SampleRing {
  private readonly ring: Ring

  constructor(capacity: number) {
    this.ring = new Ring(sensors.length, capacity)
  }

  push(t: number, s: Sample): boolean {
    return this.ring.push(t, row(s))
  }

  clear(): void {
    this.ring.clear()
  }

  get length(): number {
    return this.ring.length
  }

  get last(): number | null {
    return this.ring.last
  }

  rows(keys: readonly SensorKey[], from = -Infinity): Columns {
    return this.ring.rows(from, keys.map((k) => sensors.indexOf(k)))
  }
}

/** The machine's telemetry of the last hour, and least, mean and largest since the last reset. */
class TelemetryState {
  /** An hour at 10 Hz; times are seconds since 1970. */
  readonly hour = new SampleRing(36_000)
  /** A column for each core, a reading a second: each tells of the second before it anyway. Null before the first. */
  cores: Ring | null = null
  latest = $state.raw<Sample | null>(null)
  since = $state(Date.now())
  private running = new Map<string, Running>()
  /** Live readings that came while the past was under way: a ring takes rows in the order of time alone. */
  private waiting: Sample[] | null = null

  /** Fills in the hour before the page was opened. */
  async load(): Promise<void> {
    if (this.waiting) return
    const waiting: Sample[] = (this.waiting = [])
    try {
      const past = await calls.systemTelemetry('60m')
      for (const s of past) this.keep(s)
      this.latest ??= past.at(-1) ?? null
    } finally {
      this.waiting = null
      for (const s of waiting) this.keep(s)
    }
  }

  /** Takes a live reading; shown or not. */
  add(s: Sample, shown = true): void {
    if (this.waiting) this.waiting.push(s)
    else if (!this.keep(s)) return
    if (shown) this.latest = s
  }

  private keep(s: Sample): boolean {
    if (!this.hour.push(Date.parse(s.timestamp) / 1000, s)) return false
    this.addCores(s)
    this.measure('', s)
    for (const g of s.gpus ?? []) this.measure(`gpu${g.index}.`, g)
    return true
  }

  private addCores(s: Sample): void {
    const all = s.cpu_cores_percent ?? []
    const at = Date.parse(s.timestamp) / 1000
    if (all.length === 0 || at - (this.cores?.last ?? -Infinity) < 1) return
    if (this.cores?.width !== all.length) this.cores = new Ring(all.length, 3600)
    this.cores.push(at, all)
  }

  private measure(of: string, readings: object): void {
    for (const [k, v] of Object.entries(readings) as [string, unknown][]) {
      if (typeof v !== 'number' && v !== null) continue
      let r = this.running.get(of + k)
      if (!r) this.running.set(of + k, (r = new Running()))
      r.add(v)
    }
  }

  /** Of any number of a sample, or of one GPU in it. Not reactive by itself: read it with live.tick. */
  extent(key: string, gpu?: number): Extent {
    return this.running.get(gpu === undefined ? key : `gpu${gpu}.${key}`)?.extent ?? { now: null, min: null, avg: null, max: null, n: 0 }
  }

  reset(): void {
    this.running = new Map()
    this.since = Date.now()
  }
}

export const telemetry = new TelemetryState()
