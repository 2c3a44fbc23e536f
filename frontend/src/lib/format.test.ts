import { describe, expect, it } from 'vitest'
import * as f from './format'
import { locale } from './locale.svelte'

const N = '\u202f'
const B = '\u00a0'

describe('numbers', () => {
  it.each([
    [0, 0, '0'], [999, 0, '999'], [1188, 0, `1${N}188`], [40960, 0, `40${N}960`], [1234567, 0, `1${N}234${N}567`],
    [-19, 0, '\u221219'], [-0.001, 1, '0.0'], [1234.5, 1, `1${N}234.5`], [null, 0, '–'], [undefined, 0, '–'], [NaN, 0, '–'], [Infinity, 0, '–'],
  ])('num(%s, %s) is %s', (x, d, want) => expect(f.num(x, d)).toBe(want))

  it('uses the comma in Portuguese', () => {
    locale.lang = 'pt-BR'
    expect(f.text(f.ms(40.83))).toBe(`40,8${B}ms`)
    expect(f.num(1234.5, 1)).toBe(`1${N}234,5`)
  })

  it.each([[548.4, '548'], [100, '100'], [99.96, '100'], [40.83, '40.8'], [9.996, '10.0'], [8.214, '8.21'], [4120, `4${N}120`]])(
    'ms(%s) is %s', (x, want) => expect(f.ms(x).value).toBe(want))

  it.each([[121.84, '121.8'], [999.96, `1${N}000`], [4310.2, `4${N}310`], [2.14, '2.1']])(
    'tokS(%s) is %s', (x, want) => expect(f.tokS(x).value).toBe(want))

  it.each<[f.Figure, string]>([
    [f.percent(97.6), `98${B}%`], [f.share(0.5), `50${B}%`], [f.gb(7.92), `7.9${B}GB`], [f.bytes(740e6), `740${B}MB`],
    [f.bytes(5.03e9), `5.0${B}GB`], [f.bytes(999.6e6), `1.0${B}GB`], [f.bytes(1.5e6), `1.5${B}MB`], [f.bytes(12), `12${B}B`],
    [f.watts(318.2), `318${B}W`], [f.joulesPerToken(0.471), `0.47${B}J/token`], [f.energy(85500), `85.5${B}kJ`],
    [f.perS(3.234), `3.23${B}/s`], [f.mhz(1905), `1${N}905${B}MHz`], [f.celsius(74), `74${B}°C`],
    [f.parameters(8.19e9), `8.19${B}B`], [f.parameters(134515008), `135${B}M`], [f.ms(null), '–'], [f.bytes(null), '–'],
  ])('%o is %s', (figure, want) => expect(f.text(figure)).toBe(want))
})

describe('time', () => {
  it.each([[4.83, `4.8${B}s`], [22.4, `22${B}s`], [59.4, `59${B}s`], [59.6, '1:00'], [302, '5:02'], [3902, '1:05:02'], [null, '–']])(
    'duration(%s) is %s', (s, want) => expect(f.duration(s)).toBe(want))

  it('shortens an instant by how near it is', () => {
    const now = new Date(2026, 10, 22, 20, 0)
    const at = (y: number, m: number, d: number): string => new Date(y, m, d, 15, 10).toISOString()
    expect(f.instant(at(2026, 10, 22), now)).toBe('15:10')
    expect(f.instant(at(2026, 10, 12), now)).toBe('12 Nov, 15:10')
    expect(f.instant(at(2025, 10, 12), now)).toBe('12 Nov 2025, 15:10')
    expect(f.instant('nonsense', now)).toBe('–')
    locale.lang = 'pt-BR'
    expect(f.instant(at(2026, 10, 12), now)).toBe('12 nov., 15:10')
  })

  it('writes differences with their sign', () => {
    expect(f.difference(1.3)).toBe(`+30${B}%`)
    expect(f.difference(0.81)).toBe(`\u221219${B}%`)
    expect(f.points(7.7)).toBe(`+7.7${B}pp`)
    expect(f.difference(null)).toBe('–')
  })
})

describe('intervals', () => {
  it('tells both ends', () => expect(f.range([40.84, 121.2])).toBe('40.8–121'))
  it('stands behind ± with its wider half', () => {
    expect(f.halfWidth(10, [8.5, 10.5])).toBe(1.5)
    expect(f.halfWidth(10, null)).toBeNull()
    expect(f.halfWidth(null, [1, 2])).toBeNull()
  })
})
