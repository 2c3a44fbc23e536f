import { calls, downloadExport, saveExport } from '../api'

/** Writes runs to a file: in the window where the person says, in a browser to its downloads. */
export const exporting = {
  /** The file that was written; empty when the dialog was closed. */
  async save(format: calls.ExportFormat, ids: string[], title: string): Promise<string> {
    const query = calls.exportQuery(format, ids)
    return (await saveExport(query, title)) ?? downloadExport(query)
  },
}
