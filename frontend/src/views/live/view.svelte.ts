import type { PhaseChange, Run } from '../../api'
import { t } from '../../i18n'
import { ms, num, text, tokS } from '../../lib/format'
import { eventsOf } from '../../lib/run/events'
import { around } from '../../lib/run/lane'
import { stageMeans, stageSpans } from '../../lib/run/live'
import { live, system, type LiveRun } from '../../state'
import { Crosshair, quantile, type Band, type Flag } from '../../ui'
import { eventViews, type EventView } from '../shared/eventwords'
import { markLabel } from '../shared/loads'
import { phaseName } from '../shared/words'

/** What the charts, the lane and the list of the live screen share: the time in sight, the crosshair, phases and events. */
export class LiveView {
  readonly cross = new Crosshair()
  /** Null follows the run. */
  zoom = $state.raw<[number, number] | null>(null)
  private readonly run: () => Run | null
  private readonly record: () => LiveRun | null

  constructor(run: () => Run | null, record: () => LiveRun | null) {
    this.run = run
    this.record = record
  }

  readonly phases = $derived.by((): readonly PhaseChange[] => this.record()?.phases ?? [])
  readonly spans = $derived(stageSpans(this.phases))
  readonly several = $derived.by(() => this.spans.length > 1 || (this.run()?.plan.stages ?? []).length > 1)
  readonly whole = $derived.by((): [number, number] => {
    void live.tick
    const record = this.record()
    return [0, Math.max(5, record?.samples.last ?? 0, record?.speed.last ?? 0)]
  })
  readonly range = $derived(this.zoom ?? this.whole)
  readonly bands = $derived.by((): Band[] => {
    const name = (p: PhaseChange): string => (p.stage && this.several ? this.label(p.stage.index, p.stage.name) : phaseName(p.phase))
    return this.phases.filter((p) => p.phase !== 'stop').map((p, i) => ({ from: p.t_us / 1e6, to: this.phases[i + 1] ? (this.phases[i + 1]?.t_us ?? 0) / 1e6 : this.whole[1], label: name(p) }))
  })
  readonly events = $derived.by((): EventView[] => {
    void live.tick
    const record = this.record()
    if (!record) return []
    const known = { phases: this.phases, several: this.several, seen: record.watch.events(), requests: record.requests, dropped: record.dropped, behind: record.lag.all }
    return eventViews(eventsOf(known), { gpus: system.info.value?.gpus?.length ?? 0, stage: (i, name) => this.label(i, name), reached: (i) => this.reached(record, i) })
  })
  /** The moments that charts show; phases are shaded anyway. */
  readonly flags = $derived(this.events.filter((e) => e.tone !== 'mut' && e.from !== null).map((e): Flag => ({ at: e.from ?? 0, n: e.n, bad: e.tone === 'err' })))

  label(index: number, name: string): string {
    const run = this.run()
    return run ? markLabel(run, this.phases, index, name) : name
  }

  /** Looks at an event of the list. */
  look(e: EventView): void {
    if (e.from === null) return
    this.cross.at = e.from
    this.zoom = around(e.from, e.to ?? e.from, this.whole)
  }

  /** What a stage reached, once the next one has begun. */
  private reached(record: LiveRun, index: number): string {
    const span = this.spans.find((s) => s.index === index)
    if (!span || span.to === null) return ''
    const own = record.requests.filter((r) => r.phase === 'measure' && r.stage === index && r.outcome === 'ok')
    const ttft = quantile(own.flatMap((r) => (r.ttft_us === null ? [] : [r.ttft_us / 1000])).sort((a, b) => a - b), 0.5)
    const [x, y] = record.speed.rows(span.from)
    const mean = stageMeans(x, y ?? [], this.spans)[x.findIndex((v) => v > span.from)]
    const speed = this.run()?.summary?.stages.find((r) => r.index === index)?.summary?.output_tokens_per_second ?? mean
    return t('events.stageNote', { speed: text(tokS(speed)), ttft: text(ms(ttft)), n: num(own.length) })
  }
}
