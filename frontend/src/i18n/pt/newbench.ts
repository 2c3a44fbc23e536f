import type { newbench as en } from '../en/newbench'
import type { Words } from '../index'

export const newbench: Words<typeof en> = {
  title: 'Nova medição',
}
