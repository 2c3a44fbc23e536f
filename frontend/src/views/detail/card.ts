import { t } from '../../i18n'
import { instant, joulesPerToken, ms, num, tokS, type Figure } from '../../lib/format'
import { locale } from '../../lib/locale.svelte'
import { leadFigures } from '../../lib/run/stages'
import type { Card, CardRow } from '../../lib/sharecard'
import type { Run } from '../../state'
import { conditionsOf } from '../shared/card'
import { modelName } from '../shared/words'
import { sentence } from './sentence'

/** The card of one run: its sentence, its figures and its conditions. One run has no interval over runs, and the card says so. */
export function runCard(run: Run): Card {
  const f = leadFigures(run)
  const row = (name: string, unit: string, v: Figure): CardRow[] => (v.unit ? [{ name, unit: [unit, v.unit].filter(Boolean).join(', '), values: [v.value], marks: [] }] : [])
  const line = sentence(run)
  const words = { valid: 'common.valid', caution: 'common.cautionShort', invalid: 'common.invalid' } as const
  const verdict = run.validity ? t(words[run.validity.verdict]) : t('common.notChecked')
  return {
    headline: `${run.name || modelName(run.model)}: ${line.head}`, basis: line.rest.trim(), caution: '', sides: [], scale: null, lang: locale.lang,
    rows: [
      ...row(t('common.decode'), '', tokS(f?.decode_tokens_per_second)), ...row(t('common.throughput'), '', tokS(f?.output_tokens_per_second)),
      ...row(t('common.ttft'), t('compare.median'), ms(f?.ttft_ms.p50)), ...row(t('common.itl'), t('compare.median'), ms(f?.itl_ms.p50)),
      ...row(t('compare.energy'), '', joulesPerToken(f?.energy?.scopes.find((s) => s.j_per_token !== null)?.j_per_token)),
    ],
    facts: [...conditionsOf([run]), { name: t('comparing.model'), value: modelName(run.model) }, { name: t('comparing.runsTold'), value: `${verdict} · ${t('comparing.oneRun', { n: num(f?.requests.ok ?? 0) })}` }, { name: t('comparing.when'), value: instant(run.created_at) }],
  }
}
