import type { models as en } from '../en/models'
import type { Words } from '../index'

export const models: Words<typeof en> = {
  title: 'Modelos',
}
