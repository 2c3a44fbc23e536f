import {
  subscribe, type Connection, type InFlight, type LiveEvent, type LogRecord, type PhaseChange, type RequestRecord,
  type Run, type RunPhaseEvent, type RunProgressEvent, type Sample, type TelemetryEvent,
} from '../api'
import { Ring } from '../lib/rings'
import { LimitTrack } from '../lib/run/limits'
import { remoteKeys, remoteReading } from '../lib/run/remote'
import { askedUsers } from '../lib/run/live'
import { Spells } from '../lib/run/spells'
import { Watch, type About } from '../lib/run/watch'
import { alerts } from './alerts.svelte'
import { library } from './library.svelte'
import { quality } from './quality.svelte'
import { runs } from './runs.svelte'
import { recall, remember } from '../lib/storage'
import { system } from './system.svelte'
import { SampleRing, telemetry } from './telemetry.svelte'

const REPAINT_MS = 250
const TEXT_MAX = 20_000
const LOG_MAX = 500
const REQUESTS_MAX = 5000
/** An hour of answers, one a second. */
const REMOTE_MAX = 3600
/** A user may be between two requests; so many progress events in a row below this share of them are no chance any more. */
const [ALL_BUT, BEHIND] = [0.9, 8]
/** Readings and phases of one run count from the same moment, give or take the clock's own steps. */
const SAME_START_MS = 1000

/** How long requests are all there before missing ones are a new event. */
const LAG_GAP_S = 2

function aboutMachine(): About {
  const info = system.info.value
  return {
    periodMs: info?.telemetry.rate_hz ? 1000 / info.telemetry.rate_hz : 0, threads: info?.cpu_threads ?? 1,
    vramGb: (gpu) => info?.gpus?.find((g) => g.index === gpu)?.vram_total_gb ?? null,
  }
}

/** What is known of the run being measured; times are seconds from its start. */
export class LiveRun {
  readonly id: string
  phases = $state.raw<PhaseChange[]>([])
  progress = $state.raw<RunProgressEvent['progress'] | null>(null)
  inFlight = $state.raw<InFlight[]>([])
  /** The requests that ended, oldest first. */
  requests = $state.raw<RequestRecord[]>([])
  /** The output of the followed request, and its number. */
  text = $state('')
  textOf = $state<number | null>(null)
  /** How many events in a row showed fewer requests in flight than the stage has users. */
  private short = 0
  /** The program does not keep up: it starts requests later than its users are free. */
  behind = $state(false)
  /** Arrivals that were dropped: how many in all, and when the newest was seen. */
  dropped = $state.raw<{ n: number; at: number } | null>(null)
  private readonly seen = new Set<number>()
  /** Columns: output tokens per second, median time between tokens in ms. */
  readonly speed = new Ring(3, 7200)
  readonly samples = new SampleRing(18_000)
  /** What held the GPUs' clocks down so far, and what else happened to the machine. */
  limits = new LimitTrack()
  watch = new Watch(aboutMachine)
  /** When requests were missing, as behind tells it now. */
  readonly lag = new Spells(LAG_GAP_S, 0)
  /** Of each other machine, by its address: a column for each of remoteKeys, a row for each answer. */
  readonly remote = new Map<string, Ring>()

  constructor(id: string) {
    this.id = id
  }

  /** Begins the readings anew with these, oldest first: those from before the page was there. */
  restart(samples: readonly Sample[]): void {
    this.samples.clear()
    this.remote.clear()
    this.limits = new LimitTrack()
    this.watch = new Watch(aboutMachine)
    for (const s of samples) this.onSample(s)
  }

  onPhase(e: RunPhaseEvent): void {
    if (this.phases.some((p) => p.phase === e.phase && p.t_us === e.t_us)) return
    this.phases = [...this.phases, { phase: e.phase, t_us: e.t_us, at: e.at, stage: e.stage }].sort((a, b) => a.t_us - b.t_us)
  }

  onProgress(e: RunProgressEvent): void {
    this.progress = e.progress
    this.inFlight = e.in_flight ?? []
    this.take(e.requests ?? [])
    this.countUsers(e.progress)
    for (const p of e.speed ?? []) this.speed.push(p.t_ms / 1000, [p.tokens_per_second, p.itl_p50_ms, p.itl_p99_ms])
    if (e.text_of !== this.textOf && e.text_of !== null) {
      this.textOf = e.text_of
      this.text = ''
    }
    if (e.text) this.text = (this.text + e.text).slice(-TEXT_MAX)
  }

  /** Adds requests that ended and are not known yet. */
  take(requests: readonly RequestRecord[]): void {
    const fresh = requests.filter((r) => !this.seen.has(r.n))
    for (const r of fresh) this.seen.add(r.n)
    if (fresh.length) this.requests = [...this.requests, ...fresh].slice(-REQUESTS_MAX)
  }

  /** Takes a reading, unless it is one of the run before that came in the same event. */
  onSample(s: Sample): void {
    const [first] = this.phases
    const apart = first ? Math.abs(Date.parse(s.timestamp) - s.t_ms - (Date.parse(first.at) - first.t_us / 1000)) : 0
    if (!(apart > SAME_START_MS) && this.samples.push(s.t_ms / 1000, s)) {
      this.limits.push(s)
      this.watch.push(s)
      this.onRemote(s)
    }
  }

  private onRemote(s: Sample): void {
    for (const r of s.remote ?? []) {
      let ring = this.remote.get(r.source)
      if (!ring) this.remote.set(r.source, (ring = new Ring(remoteKeys.length, REMOTE_MAX)))
      ring.push(s.t_ms / 1000, remoteKeys.map((k) => remoteReading(r, k)))
    }
  }

  private countUsers(p: RunProgressEvent['progress']): void {
    const asked = p.phase === 'measure' ? askedUsers(this.phases, p.stage?.elapsed_s ?? 0) : null
    const ending = p.stage?.left_s === 0 || (p.stage?.total != null && p.stage.total - p.stage.done <= (asked ?? 0))
    this.short = asked !== null && !ending && p.in_flight < Math.ceil(ALL_BUT * asked) ? this.short + 1 : 0
    this.behind = this.short >= BEHIND
    this.lag.push(p.elapsed_s, this.behind)
    const dropped = p.stage?.dropped ?? 0
    if (dropped > 0 && dropped !== this.dropped?.n) this.dropped = { n: dropped, at: p.elapsed_s }
  }
}

/** The live events, spread to whom they concern, and the signal to repaint. */
class Live {
  connection = $state<Connection>('connecting')
  /** Goes up at most four times a second while something new is there and the page is visible. */
  tick = $state(0)
  run = $state.raw<LiveRun | null>(null)
  /** The run that ended last since the page opened. */
  ended = $state.raw<Run | null>(null)
  log = $state.raw<LogRecord[]>([])
  /** Paint nothing while a run measures, so that the window takes no processor from the engine. */
  quiet = $state(recall('quiet', (v): v is boolean => typeof v === 'boolean', false))
  private measuring = $state(false)
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopAll: (() => void) | null = null

  /** Subscribes until the returned function is called; a second call changes nothing. */
  start(): () => void {
    this.stopAll ??= subscribe({
      event: (e) => this.on(e),
      connection: (c) => {
        this.connection = c
      },
    })
    return () => this.stop()
  }

  private stop(): void {
    this.stopAll?.()
    this.stopAll = null
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** Nothing is painted now: readings are kept and shown once the measuring is over. */
  get still(): boolean {
    return this.quiet && this.measuring
  }

  setQuiet(quiet: boolean): void {
    this.quiet = quiet
    remember('quiet', quiet)
    this.repaint()
  }

  /** Spreads one event; public for tests. */
  on(e: LiveEvent): void {
    switch (e.kind) {
      case 'run.created':
        runs.put(e.data)
        break
      case 'run.phase':
        this.follow(e.data.job_id).onPhase(e.data)
        this.measuring = e.data.phase === 'measure'
        runs.onPhase(e.data)
        break
      case 'run.progress':
        this.follow(e.data.job_id).onProgress(e.data)
        runs.onProgress(e.data)
        this.measuring = e.data.progress.phase === 'measure' // a page that opens in mid-run has missed the phase
        break
      case 'run.finished':
        runs.put(e.data)
        this.ended = e.data
        this.measuring = false
        break
      case 'telemetry':
        this.onTelemetry(e.data)
        break
      case 'download.progress':
        library.onDownload(e.data)
        break
      case 'quality.changed':
        quality.put(e.data)
        break
      case 'alert':
        alerts.on(e.data)
        break
      case 'log':
        this.log = [...this.log, e.data].slice(-LOG_MAX)
        break
      case 'reset':
        this.reread()
    }
    this.repaint()
  }

  /** The live record of a run; events of another run begin a new one. */
  follow(id: string): LiveRun {
    if (this.run?.id !== id) this.run = new LiveRun(id)
    return this.run
  }

  private onTelemetry(e: TelemetryEvent): void {
    for (const s of e.samples ?? []) {
      telemetry.add(s, !this.still)
      if (e.job_id) this.follow(e.job_id).onSample(s)
    }
  }

  private reread(): void {
    void runs.load()
    if (quality.all.value) void quality.all.load()
    void library.reload()
    void alerts.read.load()
    telemetry.load().catch(() => undefined) // the next events fill the charts again
  }

  private repaint(): void {
    if (this.timer !== undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (!document.hidden && !this.still) this.tick++
    }, REPAINT_MS)
  }
}

export const live = new Live()
