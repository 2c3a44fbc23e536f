import type { BenchmarkRequest } from '../../api/types'
import { readNumber, type Checker } from './fields'

/** Settings of the embedded engine, as typed; an empty one is as the engine chooses. */
export interface EngineDraft {
  threads: string
  batchSize: string
  ubatchSize: string
  gpuLayers: string
  contextTokens: string
  flashAttention: '' | 'on' | 'off' | 'auto'
  cacheTypeK: string
  cacheTypeV: string
  /** Id of an installed build; empty: the one in use. */
  build: string
}

export const emptyEngine: EngineDraft = { threads: '', batchSize: '', ubatchSize: '', gpuLayers: '', contextTokens: '', flashAttention: '', cacheTypeK: '', cacheTypeV: '', build: '' }

export const cacheTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'iq4_nl', 'q4_1', 'q4_0'] as const

type Options = NonNullable<BenchmarkRequest['engine_options']>

export function checkEngine(e: EngineDraft, c: Checker): void {
  const whole = (field: string, typed: string, low: number, high: number): void => c.number(`engine_options.${field}`, typed, { low, high, whole: true, optional: true })
  whole('threads', e.threads, 1, 1024)
  whole('batch_size', e.batchSize, 1, 65_536)
  whole('ubatch_size', e.ubatchSize, 1, 65_536)
  whole('gpu_layers', e.gpuLayers, 0, 999)
  whole('context_tokens', e.contextTokens, 64, 1_048_576)
}

/** What is asked for; nothing where all is as the engine chooses. */
export function engineOptions(e: EngineDraft): Pick<BenchmarkRequest, 'engine_options'> {
  const o: Options = {
    threads: readNumber(e.threads), batch_size: readNumber(e.batchSize), ubatch_size: readNumber(e.ubatchSize), gpu_layers: readNumber(e.gpuLayers),
    context_tokens: readNumber(e.contextTokens), flash_attention: e.flashAttention || undefined,
    cache_type_k: (e.cacheTypeK || undefined) as Options['cache_type_k'], cache_type_v: (e.cacheTypeV || undefined) as Options['cache_type_v'],
    build: e.build || undefined,
  }
  const given = Object.entries(o).filter(([, v]) => v !== undefined)
  return given.length ? { engine_options: Object.fromEntries(given) } : {}
}

/** "threads=2,cache_type_k=q8_0", the words of the command line; undefined for none. */
export function engineWord(o: Options | undefined | null): string | undefined {
  const given = Object.entries(o ?? {}).filter(([, v]) => v !== undefined && v !== null)
  return given.length ? given.map(([k, v]) => `${k}=${String(v)}`).join(',') : undefined
}

const fields: Record<string, keyof EngineDraft> = {
  threads: 'threads', batch_size: 'batchSize', ubatch_size: 'ubatchSize', gpu_layers: 'gpuLayers', context_tokens: 'contextTokens',
  flash_attention: 'flashAttention', cache_type_k: 'cacheTypeK', cache_type_v: 'cacheTypeV', build: 'build',
}

/** The form of settings in the words of engineWord; what is not named is as the engine chooses. */
export function readEngine(word: string): EngineDraft {
  const out: Record<string, string> = { ...emptyEngine }
  for (const part of word.split(',')) {
    const [name = '', value = ''] = part.split('=')
    const field = fields[name]
    if (field) out[field] = value
  }
  return out as unknown as EngineDraft
}

/** Settings as the form has them. */
export function engineDraft(o: Options): EngineDraft {
  const word = (v: number | null | undefined): string => (v === undefined || v === null ? '' : String(v))
  return {
    threads: word(o.threads), batchSize: word(o.batch_size), ubatchSize: word(o.ubatch_size), gpuLayers: word(o.gpu_layers), contextTokens: word(o.context_tokens),
    flashAttention: o.flash_attention ?? '', cacheTypeK: o.cache_type_k ?? '', cacheTypeV: o.cache_type_v ?? '', build: o.build ?? '',
  }
}
