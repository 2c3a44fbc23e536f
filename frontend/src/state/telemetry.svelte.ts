import { calls, type Sample } from '../api'
import { Ring, type Columns } from '../lib/rings'
import { ReasonLog } from '../lib/run/reasons'
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

  /** Puts older samples before the ones it holds. */
  prepend(older: readonly { t: number; s: Sample }[]): void {
    const [times, ...cols] = this.ring.rows()
    this.ring.clear()
    for (const { t, s } of older) if (!(t >= (times[0] ?? Infinity))) this.ring.push(t, row(s))
    times.forEach((t, i) => this.ring.push(t, cols.map((c) => c[i])))
  }

  get first(): number | null {
    return this.ring.first
  }

  rows(keys: readonly SensorKey[], from = -Infinity): Columns {
    return this.ring.rows(from, keys.map((k) => sensors.indexOf(k)))
  }
}

/** How far back the program can be asked. */
const REMEMBERED_MIN = 60
/** An hour of one reading a second. */
const CORES_MAX = 3600
/** How far back the reasons that limited a GPU are kept. */
export const REASONS_S = 900

/** The machine's telemetry of the last hour, and least, mean and largest since the last reset. */
class TelemetryState {
  /** An hour at 10 Hz; times are seconds since 1970. */
  readonly hour = new SampleRing(36_000)
  /** A column for each core, a reading a second: each tells of the second before it anyway. Null before the first. */
  cores: Ring | null = null
  /** What limited each GPU over the last quarter of an hour, by its index. */
  readonly reasons = new Map<number, ReasonLog>()
  latest = $state.raw<Sample | null>(null)
  since = $state(Date.now())
  private running = new Map<string, Running>()
  /** The oldest time that the program was asked for. */
  private reached = Infinity

  /** Reads what the program remembers of the last minutes: what is newer than the newest known, and what is older than the oldest. */
  async load(minutes = 10): Promise<void> {
    const now = Date.now() / 1000
    const all = (await calls.systemTelemetry(`${minutes}m`)).map((s) => ({ t: Date.parse(s.timestamp) / 1000, s }))
    this.reached = Math.min(this.reached, now - minutes * 60)
    const first = this.hour.first ?? -Infinity
    this.prepend(all.filter((o) => o.t < first))
    for (const { t, s } of all) if (t > first) this.add(s)
  }

  /** Makes sure that so many minutes are known, as far as the program remembers them. */
  async reach(minutes: number): Promise<void> {
    const asked = Math.min(minutes, REMEMBERED_MIN)
    if (Date.now() / 1000 - this.reached < asked * 60) await this.load(asked)
  }

  /** Readings from before those that are known: for the charts, not for least and largest since the reset. */
  private prepend(older: readonly { t: number; s: Sample }[]): void {
    if (older.length === 0) return
    this.hour.prepend(older)
    const [cores, logs] = [this.cores?.rows(), new Map(this.reasons)]
    this.cores = null
    this.reasons.clear()
    for (const { t, s } of older) {
      this.addCores(t, s)
      this.addReasons(t, s)
    }
    for (const [i, log] of logs) this.reasons.set(i, this.reasons.get(i)?.then(log) ?? log)
    if (!cores) return
    const [times, ...cols] = cores
    this.cores ??= new Ring(cols.length, CORES_MAX)
    times.forEach((t, i) => this.cores?.push(t, cols.map((c) => c[i])))
  }

  /** Keeps a reading; shown or not. */
  add(s: Sample, shown = true): void {
    const t = Date.parse(s.timestamp) / 1000
    if (!this.hour.push(t, s)) return
    if (shown) this.latest = s
    this.addCores(t, s)
    this.addReasons(t, s)
    this.measure('', s)
    for (const g of s.gpus ?? []) this.measure(`gpu${g.index}.`, g)
  }

  private addReasons(t: number, s: Sample): void {
    for (const g of s.gpus ?? []) {
      let log = this.reasons.get(g.index)
      if (!log) this.reasons.set(g.index, (log = new ReasonLog(REASONS_S)))
      log.push(t, g.limit_reasons)
    }
  }

  private addCores(at: number, s: Sample): void {
    const all = s.cpu_cores_percent ?? []
    if (all.length === 0 || at - (this.cores?.last ?? -Infinity) < 1) return
    if (this.cores?.width !== all.length) this.cores = new Ring(all.length, CORES_MAX)
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
