import { describe, expect, it } from 'vitest'
import type { EnergyScope } from '../../api'
import { leadScope, metered, powerOver, unmetered } from '../../lib/run/energy'
import { aGPU, aRun, aSample } from '../../state/fixture'
import { aScope, someFigures } from '../../state/stagefixture'
import { intruderNotes } from '../shared/words'
import { lanes } from './lanes'
import { limitParts, strips } from './strips'

const held = (t: number, reasons: string[] | null) => aSample(t, { phase: 'measure', gpus: [{ ...aGPU(), limit_reasons: reasons }] })
const disturbed = aRun({ validity: { verdict: 'caution', checks: [], interference: [{ process: 'backup', pid: 7, cpu_percent: 96, from_us: 10_000_000, to_us: 72_000_000 }] } })

describe('what held the clock down over time', () => {
  it.each<[string, (string[] | null)[], unknown[]]>([
    ['nothing readable', [null, null], []],
    ['idle is no limit', [['idle'], []], []],
    ['one stretch, up to where it ended', [[], ['power_cap'], ['power_cap'], []], [{ from: 1000, to: 3000, text: 'power limit' }]],
    ['one reason after another', [['power_cap'], ['sw_thermal'], ['sw_thermal']], [{ from: 0, to: 1000, text: 'power limit' }, { from: 1000, to: 2000, text: 'heat (driver)' }]],
    ['the same again after a pause', [['power_cap'], [], ['power_cap'], []], [{ from: 0, to: 1000, text: 'power limit' }, { from: 2000, to: 3000, text: 'power limit' }]],
    ['an unknown reason as it is written', [['new_reason'], []], [{ from: 0, to: 1000, text: 'new reason' }]],
  ])('%s', (_what, reasons, want) => expect(limitParts(reasons.map((r, i) => held(i, r)))).toEqual(want))

  it('stands beside other programs, and neither without something to show', () => {
    expect(strips(aRun(), [held(0, null)])).toEqual([])
    expect(strips(disturbed, [held(0, null)])).toEqual([{ label: 'Other programs', parts: [{ from: 10_000, to: 72_000, text: 'backup 96 %' }] }])
    expect(intruderNotes(disturbed)).toEqual(['backup used 96\u00a0% of a core from 0:10 to 1:12.'])
  })
})

describe('the lanes of the replay', () => {
  it('are only those with a reading, and troubles only where there were some', () => {
    const keys = lanes([aSample(0, { disk_read_mb_per_s: 0, steal_percent: 0, cpu_clock_mhz: 3000 })]).map((l) => l.key)
    expect(keys).toEqual(['cpu_usage_percent', 'ram_usage_gb', 'cpu_clock_mhz', 'disk_read_mb_per_s'])
    expect(lanes([aSample(0, { steal_percent: 2 })]).map((l) => l.key)).toContain('steal_percent')
  })
})

describe('energy', () => {
  const of = (...scopes: EnergyScope[]) => someFigures({ energy: { scopes } })
  const none = aScope('cpu_package', { gross_j: null, j_per_token: null, reason: 'No counter.' })
  it('is spoken of by the closest meter that knows a token', () => {
    expect(leadScope(of(none))).toBeNull()
    expect(leadScope(null)).toBeNull()
    expect(leadScope(of(aScope('system_battery'), aScope('gpu_board')))?.scope).toBe('gpu_board')
    expect(leadScope(of(aScope('gpu_board', { j_per_token: null }), aScope('cpu_package')))?.scope).toBe('cpu_package')
    expect([metered(of(none)).length, unmetered(of(none))[0]?.reason]).toEqual([0, 'No counter.'])
  })
  it('over time is the slope of a counter, or the power itself', () => {
    const rows = [0, 1, 2, 3].map((t) => aSample(t, { cpu_energy_j: t === 2 ? null : 40 * t, power_w: 100 + t }))
    expect(powerOver(rows, 'cpu_package')).toEqual({ x: [0, 1, 2, 3], y: [null, 40, null, 40] })
    expect(powerOver(rows, 'gpu_board').y).toEqual([100, 101, 102, 103])
    expect(powerOver(rows, 'system_battery').y).toEqual([null, null, null, null])
  })
  it('holds a slope until the counter has moved on for half a second', () => {
    const rows = [0, 0.6, 0.7, 1.2].map((t) => aSample(t, { cpu_energy_j: 10 * t }))
    expect(powerOver(rows, 'cpu_package').y.map((v) => v && Math.round(v))).toEqual([null, 10, 10, 10])
  })
})
