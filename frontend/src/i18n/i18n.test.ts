import { describe, expect, it } from 'vitest'
import { locale } from '../lib/locale.svelte'
import { t, tOr } from './index'
import { en } from './en'
import { pt } from './pt'

const holes = (s: string): string[] => [...s.matchAll(/\{(\w+)(?::[^}]*)?\}/g)].map((m) => m[1] ?? '').sort()
describe('dictionaries', () => {
  it.each(Object.entries(en))('%s has the same values in both languages', (area, words) => {
    const other = (pt as Record<string, Record<string, string>>)[area] ?? {}
    expect(Object.keys(other).sort()).toEqual(Object.keys(words).sort())
    for (const [key, text] of Object.entries(words)) {
      expect(other[key], key).toBeTruthy()
      expect([...new Set(holes(other[key] ?? ''))], key).toEqual([...new Set(holes(text))])
    }
  })
})

describe('t', () => {
  it('fills values and chooses by number', () => {
    expect([t('common.runs', { n: 1 }), t('common.runs', { n: 3 })]).toEqual(['1 run', '3 runs'])
    locale.lang = 'pt-BR'
    expect([t('common.runs', { n: 1 }), t('common.runs', { n: 3 })]).toEqual(['1 execução', '3 execuções'])
  })
  it('leaves a hole that has no value, and falls back', () => {
    expect(t('common.left')).toBe('about {time} left')
    expect(tOr('checks.unknown_code', 'as it came')).toBe('as it came')
  })
})
