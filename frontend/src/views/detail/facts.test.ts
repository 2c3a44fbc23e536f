import { describe, expect, it } from 'vitest'
import { locale } from '../../lib/locale.svelte'
import { machineFacts } from './facts'

const rows = (extra: Record<string, string>): Record<string, string> => Object.fromEntries(machineFacts(extra).map((r) => [r.name, r.value]))

describe('the facts of a machine', () => {
  it('leave out what is not known, and what has no name', () => {
    expect(rows({ cpu_governor: 'performance', secret: 'x' })).toEqual({ 'CPU governor': 'performance' })
    expect(rows({})).toEqual({})
  })
  it('tell before and after where the run changed them', () => {
    expect(rows({ cpu_temp_c_before: '48.5', cpu_temp_c_after: '81.0', power_source: 'mains', power_source_after: 'battery' }))
      .toEqual({ 'CPU temperature, °C': '48.5 → 81.0', 'Power source': 'mains → battery' })
    expect(rows({ power_source: 'mains', power_source_after: 'mains' })).toEqual({ 'Power source': 'mains' })
    expect(rows({ cpu_clock_mhz_after: '3400' })).toEqual({ 'CPU clock, MHz': '– → 3400' })
  })
  it('are said in the language of the screen', () => {
    locale.lang = 'pt-BR'
    expect(rows({ power_source: 'mains', cpu_boost: 'off' })).toEqual({ 'Fonte de energia': 'tomada', 'Turbo da CPU': 'desligado' })
  })
})
