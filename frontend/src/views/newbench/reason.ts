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

/** What the program refused, under the fields of the form: those of a stage are the fields of the load. */
export function placeOf(fields: Record<string, string>): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, message] of Object.entries(fields)) {
    const stage = /^stages\[\d+\]\.(.*)$/.exec(name)?.[1]
    out[stage === 'depth_tokens' ? 'depths' : (stage ?? name)] ??= said(message)
  }
  for (const [name, message] of Object.entries(out)) {
    const list = /^(load\.values)\[\d+\]$/.exec(name)?.[1]
    if (list) out[list] ??= message
  }
  return out
}
