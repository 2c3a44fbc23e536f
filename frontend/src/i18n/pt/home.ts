import type { home as en } from '../en/home'
import type { Words } from '../index'

export const home: Words<typeof en> = {
  title: 'Início',
}
