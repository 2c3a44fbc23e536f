import type { Figures, Run, Stage } from '../../api'
import { said, t } from '../../i18n'
import { ms, num, text, tokS } from '../../lib/format'
import { isOpen } from '../../lib/run/load'
import { holdsUpTo, leadFigures, leadStage, meeting, stagesOf } from '../../lib/run/stages'
import { objectiveText, stageLabel } from '../shared/loads'

/** "8 users", "24 requests per second". */
function phrase(s: Stage): string {
  return s.rate_per_s !== null && s.concurrency === 0 && !s.depth_tokens ? t('stages.ratePhrase', { n: num(s.rate_per_s, Number.isInteger(s.rate_per_s) ? 0 : 1) }) : stageLabel(s)
}

/** What a result says in a sentence or two: the first part stands in bold. */
export interface Said { head: string; rest: string }

export function sentence(run: Run): Said {
  const stages = stagesOf(run)
  if (run.summary?.knee) return withLimit(run, kneeSentence(run))
  if (stages.length) return withLimit(run, sweepSentence(run))
  const s = run.summary
  return s && isOpen(run.plan.load) ? withLimit(run, openSentence(s)) : closedSentence(run, s)
}

/** What limited the run, as a sentence of its own. */
function withLimit(run: Run, line: Said): Said {
  return { head: line.head, rest: line.rest + limitSentence(run) }
}

function limitSentence(run: Run): string {
  const b = run.bottleneck
  if (!b) return ''
  return b.limit === 'unknown' ? ` ${said(b.sentence)}` : t('causes.byRest', { limit: t(`causes.${b.limit}`) })
}

function closedSentence(run: Run, s: Figures | null): Said {
  const users = run.plan.load.kind === 'closed' ? (run.plan.load.concurrency ?? 1) : 1
  const head = users > 1 ? s?.output_tokens_per_second : s?.decode_tokens_per_second
  const each = users > 1 && s?.decode_tokens_per_second ? t('detail.sentenceEach', { speed: tokS(s.decode_tokens_per_second).value }) : ''
  const first = !s?.ttft_ms.p50 ? '' : s.itl_ms.p99 === null ? t('detail.sentenceTtftOnly', { ttft: text(ms(s.ttft_ms.p50)) })
    : t('detail.sentenceTtft', { ttft: text(ms(s.ttft_ms.p50)), itl: text(ms(s.itl_ms.p99)) })
  const limit = run.bottleneck?.limit ?? 'unknown'
  const load = (users > 1 ? t('detail.loadUsers', { n: users }) : t('detail.loadOne')) + (limit === 'unknown' ? '' : `, ${t('causes.by', { limit: t(`causes.${limit}`) })}`)
  return { head: t('detail.sentence', { speed: tokS(head).value, load }), rest: each + first + (limit === 'unknown' ? limitSentence(run) : '') }
}

function openSentence(s: Figures): Said {
  const total = s.requests.ok + s.requests.error + s.requests.incomplete + s.requests.canceled + s.requests.dropped
  const late = s.lateness_ms.mean ?? 0
  const due = s.ttft_from_due_ms
  return {
    head: t('stages.openHead', { speed: tokS(s.output_tokens_per_second).value, rate: num(s.arrivals_per_second ?? s.requests_per_second, 1) }),
    rest: (due.p50 === null ? '' : t('stages.openTtft', { ttft: text(ms(due.p50)), p95: text(ms(due.p95)) }))
      + (late > 0.1 * (due.mean ?? Infinity) ? t('stages.openLate', { late: text(ms(late)) }) : '')
      + (s.requests.dropped ? t('stages.openDropped', { n: num(s.requests.dropped), total: num(total) }) : ''),
  }
}

function sweepSentence(run: Run): Said {
  const stages = stagesOf(run)
  const lead = leadStage(run) ?? stages[0]
  const f = leadFigures(run)
  if (!lead || !f) return closedSentence(run, run.summary)
  const goals = (run.plan.slo ?? []).map(objectiveText).join(', ')
  const holds = holdsUpTo(stages)
  const met = meeting(stages)
  const key = (run.plan.slo ?? []).length > 1 ? 'stages.sentenceHoldsMany' : 'stages.sentenceHolds'
  const rest = !goals ? t('stages.sentenceOne', { speed: tokS(f.decode_tokens_per_second).value, ttft: text(ms(f.ttft_ms.p50)) })
    : met.length === 0 ? t('stages.sentenceNever', { goals })
    : !holds || met.length > stages.indexOf(holds) + 1 ? t('stages.sentenceAt', { levels: met.map((x) => phrase(x)).join(', '), goals })
    : holds === stages[stages.length - 1] ? t('stages.sentenceAll', { goals }) : t(key, { level: phrase(holds), goals })
  return { head: t('stages.sentenceBest', { speed: tokS(f.output_tokens_per_second).value, level: phrase(lead) }), rest }
}

const reasons = ['objective', 'throughput', 'errors', 'limit', 'stopped'] as const

function kneeSentence(run: Run): Said {
  const knee = run.summary?.knee
  const all = run.summary?.stages ?? []
  const found = all.find((s) => s.index === knee?.stage)
  if (!found) return { head: t('stages.knee_none', { level: all[0] ? phrase(all[0]) : '–' }), rest: '' }
  const reason = reasons.find((r) => r === knee?.reason) ?? 'stopped'
  const goal = run.plan.load.objective ? objectiveText(run.plan.load.objective) : t('stages.anyGoal')
  const f = found.summary
  return {
    head: t(`stages.knee_${reason}`, { level: phrase(found), goal }),
    rest: f ? t('stages.kneeSpeed', { speed: tokS(f.output_tokens_per_second).value, ttft: text(ms(f.ttft_ms.p50)) }) : '',
  }
}
