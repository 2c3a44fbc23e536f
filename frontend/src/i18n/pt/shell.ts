import type { shell as en } from '../en/shell'
import type { Words } from '../index'

export const shell: Words<typeof en> = {
  title: 'Inferometer',
}
