import type { checks as en } from '../en/checks'
import type { Words } from '../index'

export const checks: Words<typeof en> = {
  outcomes: 'Pedidos com falha',
  contended: 'Outros programas no processador',
  telemetry: 'Atraso das leituras',
  sample_size: 'Número de pedidos',
  token_count: 'Contagens de tokens que divergem',
  length: 'Saídas que terminaram antes',
  prompt_cache: 'Tokens do prompt vindos do cache',
  gpu: 'GPU',
  engine: 'Motor',
  model: 'Modelos',
  busy_before: 'Outros programas agora',
  free_ram: 'Memória livre',
  swapping: 'Uso de swap',
  database: 'Arquivo de resultados',
  client: 'Este programa acompanhando',
  clocks: 'Relógio do cliente contra o do servidor',
  thermal: 'Contido por calor',
  power_cap: 'No limite de potência',
  gpu_shared: 'Memória da GPU de outros programas',
  battery: 'Fonte de energia',
  powersave: 'Plano de energia do processador',
  quota: 'Contido por uma cota',
  unstable: 'Estabilidade das latências',
}
