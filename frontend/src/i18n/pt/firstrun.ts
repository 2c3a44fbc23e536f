import type { firstrun as en } from '../en/firstrun'
import type { Words } from '../index'

export const firstrun: Words<typeof en> = {
  title: 'Boas-vindas',
}
