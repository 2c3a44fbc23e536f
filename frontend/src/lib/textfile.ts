import type { DatasetFormat } from '../api/types'

/** The largest file that the screen reads into memory. */
export const TEXT_MAX = 16_000_000

/** A guess at the format of a dataset from the fields of its first record, else from its name. */
export function guessFormat(name: string, body: string): DatasetFormat {
  const end = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase()
  const head = body.slice(0, 65_536).trimStart()
  if (end === 'csv' || end === 'tsv') return 'csv'
  const table = head !== '' && !/^[[{"]/.test(head)
  if (table && end !== 'jsonl' && end !== 'ndjson') return 'csv'
  const first = head.split('\n', head.startsWith('[') ? 40 : 1).join('\n')
  if (/"(timestamp|at_ms|t_s)"\s*:\s*-?\d/.test(first)) return 'trace'
  if (/"conversations"\s*:\s*\[/.test(first)) return 'sharegpt'
  if (/"messages"\s*:\s*\[/.test(first)) return 'messages'
  if (head.startsWith('[') || /^\{\s*"prompts"\s*:\s*\[/.test(head)) return 'json'
  return end === 'json' ? 'json' : end === undefined && head === '' ? 'csv' : 'jsonl'
}

/** A file's name without folder and ending. */
export function stem(name: string): string {
  return name.replace(/^.*[\\/]/, '').replace(/\.[^.]+$/, '')
}
