import { registry, type Command } from '../../commands/registry.svelte'
import { t } from '../../i18n'
import { lastLike } from '../../lib/compare'
import { cannotRepeat } from '../../lib/bench/again'
import { ms, num, text, tokS } from '../../lib/format'
import { hasEnded, hasFigures, route, runs, type Run } from '../../state'
import { toast, type MenuItem } from '../../ui'
import { exportItems } from '../shared/exporting'
import { axisOf } from '../../lib/run/load'
import { leadFigures, stagesOf } from '../../lib/run/stages'
import { axisName, levelText } from '../shared/loads'
import { modelName, verdictLabel } from '../shared/words'
import { sentence } from './sentence'

type RunOf = ReturnType<typeof runs.get>

/** What can be done with the run on screen: buttons, menu, keys and palette read it from here. */
export function actions(get: () => RunOf, edit: () => void, share: () => void, plan: (kind: 'tune' | 'capacity') => void) {
  async function attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (err) {
      toast.show({ title: t('detail.failedAction'), text: err instanceof Error ? err.message : String(err), tone: 'err' })
    }
  }
  const rerun = (): Promise<void> => attempt(async () => {
    const run = get()
    if (!run || !hasEnded(run)) return
    const next = await runs.rerun(run.job_id)
    toast.show({ title: t('detail.rerunStarted'), action: { label: t('detail.openLive'), run: () => route.go('live', next.job_id) } })
  })
  const remove = (): Promise<void> => attempt(async () => {
    const run = get()
    if (!run) return
    const name = run.name || modelName(run.model)
    const undo = await runs.delete([run.job_id])
    route.go('results')
    toast.show({ title: t('detail.deleted', { name }), ms: 10_000, action: { label: t('detail.undo'), run: () => void attempt(undo) } })
  })
  const markdown = (): Promise<void> => attempt(async () => {
    const run = get()
    if (!run?.summary) return
    await navigator.clipboard.writeText(toMarkdown(run))
    toast.show({ title: t('common.copied'), tone: 'ok' })
  })
  /** The run waits among the chosen ones for what it is compared with. */
  function compare(): void {
    const run = get()
    if (!run?.summary || !hasEnded(run)) return
    runs.selected.add(run.job_id)
    if (runs.selected.size < 2) return route.go('results')
    route.go('compare', '', { runs: [...runs.selected].join(',') })
  }
  const compareWith = (last: Run): void => route.go('compare', '', { runs: [last.job_id, get()?.job_id ?? ''].join(',') })
  const pin = (): Promise<void> => attempt(async () => {
    const run = get()
    if (run) await runs.edit(run.job_id, { pinned: !run.pinned })
  })
  function menu(): (MenuItem | '-')[] {
    const run = get()
    const last = run && lastLike(run, runs.items)
    return [
      { label: t('detail.edit'), icon: 'pencil', onselect: edit },
      { label: t(run?.pinned ? 'detail.unpin' : 'detail.pin'), icon: 'star', onselect: () => void pin() },
      { label: t('comparing.share'), icon: 'share', disabled: !run || !hasFigures(run), onselect: share },
      ...(last ? [{ label: t('comparing.withLast'), icon: 'compare' as const, onselect: () => compareWith(last) }] : []),
      { label: t('detail.copyId'), icon: 'copy', onselect: () => void navigator.clipboard.writeText(run?.job_id ?? '') },
      '-',
      ...(run && cannotRepeat(run) === null ? [...(run.plan.endpoint_id ? [] : [{ label: t('tune.menu'), icon: 'sliders' as const, onselect: () => plan('tune') }]),
        { label: t('capacity.menu'), icon: 'gauge' as const, onselect: () => plan('capacity') }, '-' as const] : []),
      ...(run && hasEnded(run) ? [...exportItems(() => [run.job_id]), '-' as const] : []),
      { label: t('detail.delete'), icon: 'trash', danger: true, disabled: run?.status === 'running', onselect: () => void remove() },
    ]
  }
  const register = (): (() => void) => registry.add((): Command[] => [
    { id: 'rerun', label: t('detail.rerun'), group: 'screen', icon: 'rotate', keys: 'R', run: () => void rerun() },
    { id: 'compare', label: t('compare.compare'), group: 'screen', icon: 'compare', keys: 'C', run: compare },
    { id: 'markdown', label: t('detail.copyMarkdown'), group: 'screen', icon: 'copy', keys: 'E', run: () => void markdown() },
    { id: 'edit', label: t('detail.edit'), group: 'screen', icon: 'pencil', run: edit },
    ...exportItems(() => [get()?.job_id ?? '']).map((x, i): Command => ({ id: `export${i}`, label: x.label, group: 'screen', icon: 'download', run: x.onselect })),
    { id: 'delete', label: t('detail.delete'), group: 'screen', icon: 'trash', keys: 'Delete', run: () => void remove() },
  ])
  return { rerun, remove, markdown, compare, menu, register }
}

/** The stages as a table to paste; empty for a run of one. */
function stagesTable(run: NonNullable<RunOf>): string[] {
  const stages = stagesOf(run)
  if (!stages.length) return []
  const axis = axisOf(stages)
  const row = (s: (typeof stages)[number]): string => {
    const f = s.summary
    return `| ${levelText(s, axis)} | ${tokS(f?.output_tokens_per_second).value} | ${ms(f?.ttft_ms.p50).value} | ${ms(f?.ttft_ms.p95).value} | ${ms(f?.tpot_ms.p50).value} |`
  }
  return ['', `| ${axisName(axis)} | tok/s | TTFT p50 ms | TTFT p95 ms | TPOT p50 ms |`, '|---|---:|---:|---:|---:|', ...stages.map(row)]
}

/** The headline figures as a small table to paste; those of the leading stage, and every stage under them. */
export function toMarkdown(run: NonNullable<RunOf>): string {
  const s = leadFigures(run)
  if (!s) return ''
  const said = sentence(run)
  const rows: [string, string][] = [
    [t('common.throughput'), text(tokS(s.output_tokens_per_second))],
    [t('common.decode'), text(tokS(s.decode_tokens_per_second))],
    [t('common.ttft'), text(ms(s.ttft_ms.p50))],
    [t('common.tpot'), text(ms(s.tpot_ms.p50))],
    [t('common.prefill'), text(tokS(s.prefill_tokens_per_second))],
    [t('live.requests'), num(s.requests.ok)],
  ]
  const env = run.environment
  const where = env ? `${env.cpu_model}${env.gpus?.[0] ? ` · ${env.gpus[0].name}` : ''} · ${env.engine.kind} ${env.engine.build}` : ''
  return [`**${run.name || modelName(run.model)}** · ${modelName(run.model)} · ${verdictLabel(run)}`, where, '', said.head + said.rest, '', `| ${t('detail.metric')} | |`, '|---|---:|', ...rows.map(([a, b]) => `| ${a} | ${b} |`), ...stagesTable(run)].join('\n')
}
