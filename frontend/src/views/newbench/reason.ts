import type { Fault, Faults } from '../../lib/bench/fields'
import { num } from '../../lib/format'
import { said, t } from '../../i18n'

/** Why the benchmark cannot be started, or nothing. */
export function startReason(faults: Faults): string {
  if (faults['endpoint_id']) return t('newbench.startReasonEndpoint')
  if (faults['model_id']) return t('newbench.startReasonModel')
  if (faults['prompt']) return t('newbench.startReasonPrompt')
  if (faults['dataset_id']) return t(faults['dataset_id'].key === 'trace' ? 'newbench.startReasonTrace' : 'newbench.startReasonDataset')
  return Object.keys(faults).length ? t('newbench.startReasonFault') : ''
}

/** What stands under a field. A thing not yet chosen is said beside the start button only. */
export function sayFault(f: Fault): string {
  const p = { low: num(f.low ?? 0), high: num(f.high ?? 0) }
  switch (f.key) {
    case 'range':
      return t('newbench.faultRange', p)
    case 'rangeAbove':
      return t('newbench.faultRangeAbove', p)
    case 'whole':
      return t('newbench.faultWhole')
    case 'order':
      return t('newbench.faultOrder')
    case 'repeated':
      return t('newbench.faultRepeated')
    case 'depth':
      return t('newbench.faultDepth')
    case 'stages':
      return t('newbench.faultStages')
    case 'required':
      return t('newbench.faultRequired')
    case 'choose':
    case 'trace':
      return ''
  }
}

/** Fields that all stages have from one place of the form. */
const shared = new Set(['load.max_in_flight', 'load.overflow', 'load.think_time_ms'])

/**
 * What the program refused, under the fields of the form. A stage belongs to a row of a list of one's
 * own, whose rows are each sent so many times; otherwise (0) its fields are those of the one load.
 */
export function placeOf(fields: Record<string, string>, timesARow: number): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, message] of Object.entries(fields)) {
    const [, at, part = ''] = /^stages\[(\d+)\]\.(.*)$/.exec(name) ?? []
    const row = timesARow && !shared.has(part) ? `stages[${Math.floor(Number(at) / timesARow)}].` : ''
    out[at === undefined ? name : part === 'depth_tokens' ? 'depths' : row + part] ??= said(message)
  }
  for (const [name, message] of Object.entries(out)) {
    const list = /^(load\.values)\[\d+\]$/.exec(name)?.[1]
    if (list) out[list] ??= message
  }
  return out
}
