import { readEngine } from '../lib/bench/engine'
import { recall, remember } from '../lib/storage'
import { faults, toRequest } from '../lib/bench/request'
import { chooseLoad, freshDraft, mergeDraft, type DraftValues, type LoadChoice } from '../lib/bench/values'

const choices: ReadonlySet<string> = new Set<LoadChoice>(['single', 'closed', 'rate', 'ramp', 'sweep', 'knee', 'trace', 'stages'])

function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null
}

/** The form of a new benchmark; it survives leaving the screen and closing the program. */
class Draft {
  values = $state<DraftValues>(mergeDraft(recall('draft', isObject, {})))
  readonly faults = $derived(faults(this.values))
  readonly request = $derived(toRequest(this.values))

  keep(): void {
    remember('draft', this.values)
  }

  /** Takes over what a link asked for. */
  take(q: Record<string, string>): void {
    const v = this.values
    if (q['endpoint']) Object.assign(v, { target: 'endpoint', endpointId: q['endpoint'], ...(q['model'] ? { endpointModel: q['model'] } : {}) })
    else if (q['model']) Object.assign(v, { target: 'model', modelId: q['model'] })
    if (q['dataset']) Object.assign(v, { source: 'dataset', datasetId: q['dataset'] })
    if (q['users']) Object.assign(v, { load: 'closed', users: q['users'] })
    if (q['load'] && choices.has(q['load'])) chooseLoad(v, q['load'] as LoadChoice)
    if (q['set'] !== undefined) v.engine = readEngine(q['set'])
    if (q['max_tokens']) v.maxTokens = q['max_tokens']
    if (q['input_tokens']) Object.assign(v, { source: 'synthetic', input: { ...v.input, kind: 'fixed', tokens: q['input_tokens'] } })
    if (q['depths']) v.depths = q['depths'].split(',')
  }

  reset(): void {
    this.values = freshDraft()
  }
}

export const draft = new Draft()
