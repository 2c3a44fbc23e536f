import type { SweepSettings } from '../../api/types'
import { cacheTypes } from '../bench/engine'

/** What a sweep may vary. */
export type SettingName = keyof SweepSettings

export interface Setting {
  name: SettingName
  /** Whole numbers from low to high; otherwise words. */
  low?: number
  high?: number
  /** The words there are; absent where they come from elsewhere, as models do. */
  words?: readonly string[]
  /** Of the embedded engine; an endpoint has its own. */
  embedded?: boolean
}

const types = [...cacheTypes]

export const sweepSettings: readonly Setting[] = [
  { name: 'threads', low: 1, high: 1024, embedded: true },
  { name: 'flash_attention', words: ['on', 'off', 'auto'], embedded: true },
  { name: 'cache_type', words: types, embedded: true },
  { name: 'cache_type_k', words: types, embedded: true },
  { name: 'cache_type_v', words: types, embedded: true },
  { name: 'batch_size', low: 1, high: 65_536, embedded: true },
  { name: 'ubatch_size', low: 1, high: 65_536, embedded: true },
  { name: 'gpu_layers', low: 0, high: 999, embedded: true },
  { name: 'context_tokens', low: 64, high: 1_048_576, embedded: true },
  { name: 'concurrency', low: 1, high: 10_000 },
  { name: 'max_tokens', low: 1, high: 32_768 },
  { name: 'prompt_tokens', low: 1, high: 1_048_576 },
  { name: 'model_id' },
]

export function settingOf(name: string): Setting | undefined {
  return sweepSettings.find((s) => s.name === name)
}

export function numeric(name: string): boolean {
  return settingOf(name)?.high !== undefined
}

/** The value of a cell as text; empty where it has none. */
export function valueOf(s: SweepSettings, name: string): string {
  const v = s[name as SettingName]
  return v === undefined || v === null ? '' : String(v)
}

/** The values that any cell has of a setting: numbers in their order, words in the order of the cells. */
export function valuesOf(cells: readonly { settings: SweepSettings }[], name: string): string[] {
  const all = [...new Set(cells.map((c) => valueOf(c.settings, name)))]
  return numeric(name) ? all.sort((a, b) => Number(a) - Number(b)) : all
}

/** Values to begin with. */
const firsts: Partial<Record<SettingName, string[]>> = {
  threads: ['1', '2', '4'], flash_attention: ['on', 'off'], cache_type: ['f16', 'q8_0'], cache_type_k: ['f16', 'q8_0'], cache_type_v: ['f16', 'q8_0'], batch_size: ['512', '1024', '2048'],
  ubatch_size: ['128', '256', '512'], concurrency: ['1', '2', '4', '8'], prompt_tokens: ['128', '512', '2048'], context_tokens: ['2048', '8192'],
}

export function firstValues(name: string): string[] {
  return [...(firsts[name as SettingName] ?? [])]
}
