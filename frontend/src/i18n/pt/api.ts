import type { api as en } from '../en/api'
import type { Words } from '../index'

export const api: Words<typeof en> = {
  title: 'API',
}
