/** Quão bem se conhece uma execução, e o que ela fez ao longo do tempo. */
export const within = {
  interval: '95 %: de {from} a {to}, pelos pedidos desta execução. Outra execução pode ficar em outro lugar.',
  legend: 'Pequeno: o intervalo de 95 %, quão bem os pedidos desta execução mostram o valor. Nada diz do que outra execução daria.',
  outliers: 'Discrepantes',
  outliersTip: 'Valores além de 1,5 (leves) e além de 3 (graves) intervalos interquartis dos quartis, em escala logarítmica. Nenhum é deixado de fora.',
  severe: '{n} {n:grave|graves}',
  mild: '{n} {n:leve|leves}',
  course: 'Ao longo do tempo',
  courseSub: '{n} {n:pedido|pedidos} na ordem de envio',
  steady: 'Ficou estável',
  warming_up: 'Começou com aquecimento',
  drifting: 'Tem deriva',
  unsettled: 'Sem regime estável',
  unknown: 'Não julgado',
  stage: 'Etapa {n}',
} as const
