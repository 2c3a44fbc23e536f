import type { Run } from '../../api'
import { said, t, tOr } from '../../i18n'
import { duration, gb, ms, num, percent, text } from '../../lib/format'
import type { CheckView } from '../../ui'
import { minutes } from '../../ui/series'
import { library } from '../../state'

/** Words that several screens build from a run's facts. */

interface Named { name: string; model: string }
interface Checked { validity: { verdict: 'valid' | 'caution' | 'invalid'; checks: Check[] } | null }
interface Check { code: string; state: CheckView['state']; value: number | null; limit: number | null; unit: string; detail: string }

/** The readable name of a model id: the library's, else the file's own. */
export function modelName(id: string): string {
  return library.model(id)?.name ?? id.split('/').pop() ?? id
}

export function shortName(run: Named): string {
  return modelName(run.model)
}

/** "Valid", "Caution · 1 of 12 checks", "Not valid". */
export function verdictLabel(run: Checked): string {
  const v = run.validity
  if (!v) return t('common.notChecked')
  if (v.verdict === 'valid') return t('common.valid')
  if (v.verdict === 'invalid') return t('common.invalid')
  return t('common.caution', { n: v.checks.filter((c) => c.state === 'caution' || c.state === 'invalid').length, total: v.checks.length })
}

/** A value of a check or a fact with its unit. */
export function reading(v: number | null, unit: string): string {
  if (v === null) return ''
  if (unit === '%') return text(percent(v, Math.abs(v) < 10 && v !== 0 ? 1 : 0))
  if (unit === 'ms') return text(ms(v))
  if (unit === 's') return duration(v)
  if (unit === 'GB') return text(gb(v))
  const size = Math.abs(v)
  const body = num(v, Number.isInteger(v) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2)
  return unit && unit !== 'requests' && unit !== 'models' ? `${body}\u00a0${unit}` : body
}

/** Checks whose limit is a minimum. */
const atLeast: ReadonlySet<string> = new Set(['sample_size', 'free_ram'])

/** Checks as the validity popover and the lists show them. Codes without words of ours say their own. */
export function checkViews(checks: readonly Check[]): CheckView[] {
  return checks.map((c) => ({
    code: c.code,
    state: c.state,
    title: tOr(`checks.${c.code}`, said(c.detail) || c.code.replaceAll('_', ' ')),
    detail: tOr(`checks.${c.code}`, '') ? said(c.detail) : '',
    value: reading(c.value, c.unit),
    limit: c.limit === null ? '' : `${atLeast.has(c.code) ? '≥' : '≤'} ${reading(c.limit, c.unit)}`,
  }))
}

/** Checks of the machine that need a sensor; where there is none, nothing can be done before a run. */
const needsSensor = new Set(['busy_before', 'thermal', 'swapping', 'gpu_shared', 'battery', 'powersave', 'quota'])

/** The checks before a run, without those that this machine cannot make: the sensors tell of them. */
export function preflightViews(checks: readonly Check[]): CheckView[] {
  return checkViews(checks.filter((c) => c.state !== 'unknown' || !needsSensor.has(c.code)))
}

/** Who else used the processor, and when, for the popover of the checks. */
export function intruderNotes(run: Run): string[] {
  return (run.validity?.interference ?? []).map((p) => t('detail.intruder', { process: p.process, percent: text(percent(p.cpu_percent)), from: minutes(p.from_us / 1e6), to: minutes(p.to_us / 1e6) }))
}

/** Reasons that hold a GPU's clock down, in words. */
export function heldWords(reasons: string): string {
  return reasons.split(',').map((r) => tOr(`hardware.limit_${r}`, r.replaceAll('_', ' '))).join(', ')
}

type PhaseWord = 'idle' | 'prepare' | 'settle' | 'warmup' | 'measure' | 'rest' | 'cooldown' | 'drain' | 'stop'

export function phaseName(phase: PhaseWord): string {
  return t(phase === 'stop' ? 'common.stopPhase' : `common.${phase}`)
}
