import type { log as en } from '../en/log'
import type { Words } from '../index'

export const log: Words<typeof en> = {
  title: 'Registro',
  hint: 'Os 1.000 registros mais novos; o arquivo é logs/inferometer.log na pasta de dados',
  level: 'Nível',
  all: 'Tudo',
  warn: 'Avisos',
  error: 'Erros',
  part: 'Parte',
  what: 'O quê',
  filter: 'Filtrar por palavras',
  copy: 'Copiar {n} {n:linha|linhas}',
  none: 'Nada deste tipo foi escrito.',
  failed: 'O registro não pode ser lido',
  support: 'Salvar para um relato',
  supportHint: 'Um arquivo zip com versão, máquina, configurações, armazenamento e registro. Não contém prompt, saída, chave nem caminho',
  saved: 'Salvo como {place}. Veja o conteúdo antes de repassá-lo.',
  supportFailed: 'O arquivo não foi salvo',
}
