import type { hardware as en } from '../en/hardware'
import type { Words } from '../index'

export const hardware: Words<typeof en> = {
  title: 'Hardware',
}
