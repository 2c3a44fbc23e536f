import type { comparing as en } from '../en/comparing'
import type { Words } from '../index'

export const comparing: Words<typeof en> = {
  everyRequest: 'Cada pedido',
  share: 'parcela dos pedidos, {unit}',
  dense: '{unit}',
  log: 'log',
  requests: '{n} pedidos',
  gaps: '{n} intervalos',
  ofRequests: 'Número de cada pedido',
  look: 'Como é desenhado',
  ecdf: 'Parcelas',
  violin: 'Violino',
  bars: 'Barras',
  noRequests: 'Nenhum pedido destas execuções tem este número.',
}
