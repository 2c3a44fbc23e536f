import type { results as en } from '../en/results'
import type { Words } from '../index'

export const results: Words<typeof en> = {
  title: 'Resultados',
}
