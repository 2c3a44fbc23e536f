import { calls, type ImportResult } from '../api'
import { runs } from './runs.svelte'

/** Takes in a file; its runs join the list at once. */
export async function importFile(f: calls.ImportFile): Promise<ImportResult> {
  const r = await calls.importFile(f)
  for (const run of r.runs ?? []) runs.put(run)
  return r
}
