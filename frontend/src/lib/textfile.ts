import type { DatasetFormat } from '../api/calls'

/** The largest file that the screen reads into memory. */
export const TEXT_MAX = 16_000_000

/** A guess at the format of a dataset from its name, else from how it begins. */
export function guessFormat(name: string, body: string): DatasetFormat {
  const end = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  if (end === 'csv' || end === 'tsv') return 'csv'
  if (end === 'jsonl' || end === 'ndjson') return 'jsonl'
  const head = body.trimStart()
  if (head.startsWith('[')) return 'json'
  if (head.startsWith('{')) return 'jsonl'
  return end === 'json' ? 'json' : 'csv'
}

/** A file's name without folder and ending. */
export function stem(name: string): string {
  return name.replace(/^.*[\\/]/, '').replace(/\.[^.]+$/, '')
}
