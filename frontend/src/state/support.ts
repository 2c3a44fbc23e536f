import { download, saveSupport as save } from '../api'

/** Saves what a report needs: where the person wants it, or with the downloads of the browser. The place; empty when they changed their mind. */
export async function saveSupport(title: string): Promise<string> {
  return (await save(title)) ?? (await download('/support', 'inferometer-support.zip'))
}
