/** Whether a model fits into memory: file plus key-value cache plus what the engine needs beside. */

export interface FitInput {
  sizeBytes: number | null
  layers: number
  heads: number
  kvHeads: number
  embedding: number
  /** Tokens of context of all users together. */
  contextTokens: number
  /** What is free where the model goes, in GB. */
  freeGB: number | null
}

export interface Fit {
  state: 'fits' | 'tight' | 'no' | 'unknown'
  needGB: number | null
  freeGB: number | null
}

/** Work buffers of the engine beside weights and cache, in bytes. */
const BESIDE = 150e6
/** From this share of the free memory up it is tight. */
const TIGHT = 0.9

/** Bytes of a 16-bit key-value cache; 0 when the header does not say enough. */
export function cacheBytes(f: FitInput): number {
  if (f.layers <= 0 || f.heads <= 0 || f.embedding <= 0) return 0
  const perHead = f.embedding / f.heads
  return 2 * 2 * f.layers * (f.kvHeads || f.heads) * perHead * f.contextTokens
}

export function fit(f: FitInput): Fit {
  if (f.sizeBytes === null) return { state: 'unknown', needGB: null, freeGB: f.freeGB }
  const needGB = (f.sizeBytes + cacheBytes(f) + BESIDE) / 1e9
  if (f.freeGB === null) return { state: 'unknown', needGB, freeGB: null }
  const state = needGB > f.freeGB ? 'no' : needGB > f.freeGB * TIGHT ? 'tight' : 'fits'
  return { state, needGB, freeGB: f.freeGB }
}
