import { locale } from '../lib/locale.svelte'
import { en } from './en'
import { pt } from './pt'

export { said } from './said'

/**
 * Words on the screen. A key is "area.name"; the compiler knows them all. A text may hold {name} for
 * a value and {n:one|many} for a choice by number.
 */
type Areas = typeof en
export type Key = { [A in keyof Areas]: `${A & string}.${keyof Areas[A] & string}` }[keyof Areas]
export type Params = Record<string, string | number>

const dictionaries = { en, 'pt-BR': pt } as const
const plurals = { en: new Intl.PluralRules('en'), 'pt-BR': new Intl.PluralRules('pt-BR') }

/** The text of a key in the chosen language. Called in a template, it follows the language. */
export function t(key: Key, params: Params = {}): string {
  const raw = find(key)
  return raw === undefined ? key : fill(raw, params)
}

/** The text of a key that is put together at run time, or the fallback when there is none. */
export function tOr(key: string, fallback: string, params: Params = {}): string {
  const raw = find(key)
  return raw === undefined ? fallback : fill(raw, params)
}

function find(key: string): string | undefined {
  const dot = key.indexOf('.')
  const areas: Record<string, Record<string, string>> = dictionaries[locale.lang]
  return areas[key.slice(0, dot)]?.[key.slice(dot + 1)]
}

function fill(raw: string, params: Params): string {
  return raw.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const value = params[name]
    if (value === undefined) return whole
    if (one === undefined || many === undefined) return String(value)
    return plurals[locale.lang].select(Number(value)) === 'one' ? one : many
  })
}

/** Makes the compiler demand every key of the English area in the Portuguese one. */
export type Words<T> = { [K in keyof T]: string }
