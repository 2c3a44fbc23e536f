import type { ExportFormat } from '../../api/calls'
import { t } from '../../i18n'
import { exporting, problemOf } from '../../state'
import { toast, type MenuItem } from '../../ui'

const formats: ExportFormat[] = ['bundle', 'jsonl', 'csv', 'sqlite', 'html']

async function save(format: ExportFormat, ids: string[]): Promise<void> {
  try {
    const where = await exporting.save(format, ids, t('transfer.exportTitle'))
    if (where) toast.show({ title: t('transfer.exported'), text: where, tone: 'ok' })
  } catch (err) {
    toast.show({ title: t('transfer.exportFailed'), text: problemOf(err).advice, tone: 'err' })
  }
}

/** The menu's ways to export runs; without ids everything is exported. */
export function exportItems(ids: () => string[]): MenuItem[] {
  return formats.map((f) => ({
    label: t(`transfer.as_${f}`), icon: 'download', disabled: f === 'html' && ids().length === 0, onselect: () => void save(f, ids()),
  }))
}
