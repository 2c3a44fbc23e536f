import type { engines as en } from '../en/engines'
import type { Words } from '../index'

export const engines: Words<typeof en> = {
  title: 'Motores',
}
