import type { PhaseChange, RequestRecord, Run, Sample } from '../../api'
import { t } from '../../i18n'
import { ms, num, text, tokS } from '../../lib/format'
import { eventsOf } from '../../lib/run/events'
import { stagesOf } from '../../lib/run/stages'
import { watched } from '../../lib/run/watch'
import { eventViews, type EventView } from '../shared/eventwords'
import { markLabel } from '../shared/loads'

/** What happened in a run that ended, in words, from its records. */
export function happened(run: Run, samples: readonly Sample[], phases: readonly PhaseChange[], requests: readonly RequestRecord[]): EventView[] {
  const env = run.environment
  const gpus = env?.gpus ?? []
  const seen = watched(samples, {
    periodMs: env?.telemetry_rate_hz ? 1000 / env.telemetry_rate_hz : 0, threads: env?.cpu_threads ?? 1, vramGb: (i) => gpus.find((g) => g.index === i)?.vram_total_gb ?? null,
  })
  const several = stagesOf(run).length > 0
  return eventViews(eventsOf({ phases, several, seen, requests, run }), { gpus: gpus.length, stage: (i, name) => markLabel(run, phases, i, name), reached: (i) => reached(run, i) })
}

function reached(run: Run, index: number): string {
  const f = run.summary?.stages.find((s) => s.index === index)?.summary
  return f ? t('events.stageNote', { speed: text(tokS(f.output_tokens_per_second)), ttft: text(ms(f.ttft_ms.p50)), n: num(f.requests.ok) }) : ''
}
