import type { live as en } from '../en/live'
import type { Words } from '../index'

export const live: Words<typeof en> = {
  title: 'Execução ao vivo',
}
