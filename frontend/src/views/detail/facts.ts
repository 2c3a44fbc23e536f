import { t, tOr, type Key } from '../../i18n'
import { en } from '../../i18n/en'

const names = Object.keys(en.facts).filter((k) => !k.startsWith('v_'))

/** What moved the machine's speed, in words; what a run itself changes is told before and after it. */
export function machineFacts(extra: Record<string, string>): { name: string; value: string }[] {
  const said = (v: string | undefined): string => (v ? tOr(`facts.v_${v}`, v) : '')
  return names.map((key) => {
    const before = said(extra[key] ?? extra[`${key}_before`])
    const after = said(extra[`${key}_after`])
    const value = after && before !== after ? [before || '–', after].join(' → ') : before
    return { name: t(`facts.${key}` as Key), value }
  }).filter((row) => row.value)
}
