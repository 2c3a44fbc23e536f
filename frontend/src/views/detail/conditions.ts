import type { Lengths, Run, Synthetic } from '../../api'
import { said, t } from '../../i18n'
import { duration, gb, ms, num, percent, text } from '../../lib/format'
import { loadWord } from '../../lib/bench/load'
import { loadPhrase, objectiveText, stageCount } from '../shared/loads'
import { modelName } from '../shared/words'
import { machineFacts } from './facts'

export interface Condition { name: string; value: string; mono?: boolean }
export interface Group { title: string; rows: Condition[] }

function stop(run: Run): string {
  const s = run.plan.stop
  return [
    s.requests ? t('common.requests', { n: num(s.requests) }) : '',
    s.duration_s ? duration(s.duration_s) : '',
    s.tokens ? t('common.tokens', { n: num(s.tokens) }) : '',
    s.confidence_percent ? t('detail.cConfidence', { n: text(percent(s.confidence_percent, Number.isInteger(s.confidence_percent) ? 0 : 1)) }) : '',
    s.errors ? t('detail.cErrors', { n: num(s.errors) }) : '',
  ].filter(Boolean).join(' · ') || (run.plan.expected_requests ? t('common.requests', { n: num(run.plan.expected_requests) }) : '–')
}

function lengths(l: Lengths | undefined): string {
  if (!l) return ''
  switch (l.kind) {
    case 'fixed':
      return num(l.tokens)
    case 'uniform':
      return `${num(l.min)}–${num(l.max)}`
    case 'histogram':
      return t('detail.cHistogram', { n: (l.bins ?? []).length })
    default:
      return `${l.kind} ${num(l.mean)} ± ${num(l.stddev)}`
  }
}

function synthetic(s: Synthetic): string {
  return [
    t('detail.cMade', { n: lengths(s.input_tokens) }), s.output_tokens ? t('detail.cMadeOut', { n: lengths(s.output_tokens) }) : '',
    s.shared_prefix_tokens ? t('detail.cPrefix', { n: num(s.shared_prefix_tokens) }) : '', (s.turns ?? 1) > 1 ? t('detail.cTurns', { n: num(s.turns) }) : '',
  ].filter(Boolean).join(' · ')
}

/** The load, how its stages look, and what it had to meet. */
function loads(run: Run): Condition[] {
  const p = run.plan
  const count = stageCount(run)
  return [
    { name: t('detail.cLoad'), value: count > 1 && p.load.kind !== 'sweep' ? loadPhrase(p.load, count) : loadWord(p.load), mono: true },
    { name: t('detail.cStages'), value: count > 1 ? (run.summary?.stages ?? p.stages).map((s) => s.name).join(', ') : '' },
    { name: t('detail.cSlo'), value: (p.slo ?? []).map(objectiveText).join(', ') },
    { name: t('detail.cStop'), value: stop(run) },
    { name: t('detail.cWarmup'), value: t('common.requests', { n: num(p.warmup) }) },
    { name: t('detail.cCooldown'), value: p.cooldown ? t('common.requests', { n: num(p.cooldown) }) : '' },
    { name: t('detail.cRepeat'), value: p.repeat > 1 ? num(p.repeat) : '' },
    { name: t('detail.cRest'), value: restText(p.rest) },
    { name: t('detail.cPromptCache'), value: t(p.prompt_cache === 'on' ? 'common.yes' : 'common.no') },
  ]
}

/** "30 s, until 45 °C". */
function restText(rest: Run['plan']['rest']): string {
  if (!rest) return ''
  const parts = [rest.seconds ? duration(rest.seconds) : '', rest.below_c === undefined ? '' : t('detail.cRestBelow', { c: num(rest.below_c) })]
  return parts.filter(Boolean).join(', ')
}

/** How well the measuring program itself kept up. */
function client(run: Run): Condition[] {
  const c = run.client
  return !c ? [] : [
    { name: t('detail.cRecorder'), value: text(ms(c.recorder_late_ms)) },
    { name: t('detail.cDropped'), value: num(c.dropped_samples) },
    { name: t('detail.cCpuS'), value: c.cpu_s === null ? '' : duration(c.cpu_s) },
    { name: t('detail.cCpuTok'), value: c.cpu_s_per_million_tokens === null ? '' : duration(c.cpu_s_per_million_tokens) },
  ]
}

/** Everything a figure depends on, by groups; unknown facts are left out. */
export function conditions(run: Run): Group[] {
  const env = run.environment
  const e = env?.engine
  const p = run.plan
  const gpuUsed = !e ? '' : e.gpu_used === null ? t('detail.notVerifiable') : `${t(e.gpu_used ? 'common.yes' : 'common.no')}${e.gpu_reason ? ` · ${said(e.gpu_reason)}` : ''}`
  const groups: Group[] = [
    { title: t('detail.groupModel'), rows: [
      { name: t('detail.cModel'), value: modelName(run.model) },
      { name: t('detail.cSha'), value: e?.model_sha256 ?? '', mono: true },
      { name: t('detail.cContext'), value: e?.context_tokens ? t('common.tokens', { n: num(e.context_tokens) }) : '' },
    ] },
    { title: t('detail.groupEngine'), rows: [
      { name: t('detail.cKind'), value: e?.kind || run.engine },
      { name: t('detail.cBuild'), value: e?.build ?? '' },
      { name: t('detail.cSource'), value: e?.source ?? '' },
      { name: t('detail.cThreads'), value: e?.threads ? num(e.threads) : '' },
      { name: t('detail.cSlots'), value: e?.slots ? num(e.slots) : '' },
      { name: t('detail.cGpuUsed'), value: gpuUsed },
      { name: t('detail.cLoadTime'), value: e?.load_ms ? duration(e.load_ms / 1000) : '' },
      { name: t('detail.cCache'), value: e ? t(e.cache_off ? 'detail.cacheOff' : 'detail.cacheOn') : '' },
      { name: t('detail.cArgs'), value: (e?.args ?? []).join(' '), mono: true },
    ] },
    { title: t('detail.groupWorkload'), rows: [
      { name: t(p.synthetic ? 'detail.cSynthetic' : p.dataset_id ? 'detail.cDataset' : 'detail.cPrompt'), value: p.synthetic ? synthetic(p.synthetic) : (p.dataset_id ?? p.prompt ?? t('detail.textOff')) },
      { name: t('detail.cLength'), value: t('detail.upTo', { n: num(p.max_tokens) }) },
      { name: t('detail.cSampling'), value: `${num(p.temperature, 1)} · top-p ${num(p.top_p, 2)} · ${t('detail.seed', { n: String(p.seed) })}` },
    ] },
    { title: t('detail.groupLoad'), rows: loads(run) },
    { title: t('detail.groupClient'), rows: client(run) },
    { title: t('detail.groupMachine'), rows: !env ? [] : [
      { name: t('detail.cSystem'), value: env.os },
      { name: t('detail.cKernel'), value: `${env.kernel} · ${env.arch}` },
      { name: t('detail.cCpu'), value: `${env.cpu_model} · ${t('firstrun.threads', { n: env.cpu_threads })}` },
      { name: t('detail.cRam'), value: text(gb(env.ram_total_gb)) },
      ...(env.gpus ?? []).map((g) => ({ name: t('detail.cGpu'), value: [g.name, text(gb(g.vram_total_gb)), g.driver].filter(Boolean).join(' · ') })),
      { name: t('detail.cVirtual'), value: env.virtualization },
      ...machineFacts(env.extra ?? {}),
      { name: t('detail.cRate'), value: `${num(env.telemetry_rate_hz)} Hz` },
      { name: t('detail.cLoadBefore'), value: env.load1_before === null ? '' : text(percent((env.load1_before / Math.max(1, env.cpu_threads)) * 100)) },
      { name: t('detail.cApp'), value: env.app_version },
      { name: t('detail.cEnv'), value: env.env_id, mono: true },
    ] },
  ]
  return groups.map((g) => ({ ...g, rows: g.rows.filter((r) => r.value) })).filter((g) => g.rows.length > 0)
}
