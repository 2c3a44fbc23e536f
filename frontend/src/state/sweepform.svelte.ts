import { emptySweep, faultsOf, toExperiment, type SweepDraftValues } from '../lib/sweep/build'
import { settingOf } from '../lib/sweep/settings'
import { recall, remember } from '../lib/storage'
import { draft } from './draft.svelte'

function kept(v: unknown): v is SweepDraftValues {
  const d = v as SweepDraftValues | null
  return typeof d === 'object' && d !== null && typeof d.on === 'boolean' && typeof d.repeats === 'string' && typeof d.metric === 'string' && typeof d.refine === 'boolean' &&
    Array.isArray(d.axes) && d.axes.every((a) => settingOf(a.setting) !== undefined && Array.isArray(a.values) && a.values.every((x) => typeof x === 'string'))
}

/** What a new benchmark varies, beside its form; it survives as the form does. */
class SweepForm {
  values = $state<SweepDraftValues>(recall('sweep', kept, structuredClone(emptySweep)))
  readonly faults = $derived(faultsOf(this.values, draft.request))
  readonly faulty = $derived(this.values.on && (this.faults.whole !== null || this.faults.axes.some((f) => f !== null)))
  readonly request = $derived(toExperiment(this.values, draft.request))

  keep(): void {
    remember('sweep', this.values)
  }

  reset(): void {
    this.values = structuredClone(emptySweep)
  }
}

export const sweepForm = new SweepForm()
