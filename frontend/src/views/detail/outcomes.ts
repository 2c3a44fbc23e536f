import type { Outcome } from '../../api'
import { t, tOr } from '../../i18n'

/** Words for how a request ended. */
export function outcomeName(o: Outcome): string {
  return t(o === 'canceled' ? 'detail.canceledOne' : `detail.${o}`)
}

/** Words for a class of errors; a class without words of ours stands as it came. */
export function errorName(cls: string): string {
  return tOr(`detail.err_${cls}`, cls)
}
