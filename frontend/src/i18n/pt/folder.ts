import type { folder as en } from '../en/folder'
import type { Words } from '../index'

export const folder: Words<typeof en> = {
  move: 'Mover…',
  fixed: 'Foi indicada ao iniciar, com --data-dir ou INFEROMETER_DATA_DIR',
  title: 'Mover a pasta de dados',
  text: 'Modelos, motores e cópias de segurança são copiados agora, enquanto nada é medido. O banco de dados vai no próximo início, que relê tudo e continua no novo lugar. Até lá nada muda.',
  path: 'Nova pasta',
  pathHint: 'Um caminho absoluto; vazia, ou ainda inexistente',
  begin: 'Copiar e mover',
  progress: 'Copiando a pasta de dados',
  copying: 'Copiando para {to}: {done} de {all}. Espera enquanto uma medição está em andamento.',
  ready: 'Copiado. O próximo início move o resto para {to} e continua lá.',
  failed: 'A pasta de dados não foi movida para {to}.',
  again: 'Tentar de novo',
  stay: 'Desfazer',
  stayFailed: 'Não foi desfeito',
  notMoved: 'A pasta de dados não é movida',
  old: 'Cópia antiga',
  oldHint: '{dir} · {size}, deixada pela mudança ({when})',
  remove: 'Excluir cópia antiga',
  removeTitle: 'Excluir a cópia antiga?',
  removeText: 'O que a mudança copiou é excluído de {dir}; outros arquivos de lá ficam. Isso não pode ser desfeito.',
  removed: '{size} liberados.',
  removeFailed: 'A cópia antiga não foi excluída',
}
