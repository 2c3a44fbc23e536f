import { t } from '../../i18n'
import type { Run } from '../../state'
import { loadPhrase, stageCount } from './loads'

/** What cards to share say of the conditions of runs. */

interface Fact { name: string; value: string }

/** The value that all runs have, else nothing: a card says no half truths. */
function shared(all: readonly Run[], of: (r: Run) => string | null | undefined): string {
  const values = new Set(all.map((r) => of(r) ?? ''))
  return values.size === 1 ? ([...values][0] ?? '') : ''
}

export function conditionsOf(all: readonly Run[]): Fact[] {
  const gpus = shared(all, (r) => (r.environment?.gpus ?? []).map((g) => g.name).join(', '))
  return [
    { name: t('comparing.machine'), value: [gpus, shared(all, (r) => r.environment?.cpu_model)].filter(Boolean).join(' · ') },
    { name: t('comparing.engine'), value: [shared(all, (r) => r.engine), shared(all, (r) => r.environment?.engine.version)].filter(Boolean).join(' ') },
    { name: t('comparing.load'), value: shared(all, (r) => loadPhrase(r.plan.load, stageCount(r))) },
  ]
}

/** "7 of 8 runs valid". */
export function validityOf(all: readonly Run[]): string {
  return t('comparing.validOf', { n: all.filter((r) => r.validity?.verdict === 'valid').length, total: all.length })
}
