import type { datasets as en } from '../en/datasets'
import type { Words } from '../index'

export const datasets: Words<typeof en> = {
  title: 'Conjuntos',
}
