import type { settings as en } from '../en/settings'
import type { Words } from '../index'

export const settings: Words<typeof en> = {
  title: 'Ajustes',
}
