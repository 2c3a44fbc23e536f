import type { detail as en } from '../en/detail'
import type { Words } from '../index'

export const detail: Words<typeof en> = {
  title: 'Resultado',
}
