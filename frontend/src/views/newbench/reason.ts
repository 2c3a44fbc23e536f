import type { Fault } from '../../state'
import { t } from '../../i18n'

/** Why the benchmark cannot be started, or nothing. */
export function startReason(faults: Record<string, Fault>): string {
  if (faults['endpoint_id']) return t('newbench.startReasonEndpoint')
  if (faults['model_id']) return t('newbench.startReasonModel')
  if (faults['prompt']) return t('newbench.startReasonPrompt')
  if (faults['dataset_id']) return t('newbench.startReasonDataset')
  return Object.keys(faults).length ? t('newbench.startReasonFault') : ''
}
