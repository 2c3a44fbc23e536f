import type { Experiment } from '../../state'

/** What an experiment has come to so far, in the sentence of its kind; empty before there is one. */
export function outcomeOf(e: Experiment): string {
  return e.comparison?.sentence ?? e.repeat?.sentence ?? e.sweep?.sentence ?? e.tune?.sentence ?? (e.capacity?.personas ?? []).map((p) => p.sentence).join(' ')
}
