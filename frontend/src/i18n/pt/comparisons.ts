/** What the program says of runs that are held against one another, and of experiments; as program.ts. */
export const comparisons: Record<string, string> = {
  '* against *: *. Too few runs for a verdict, which needs * runs a side.': '* frente a *: *. Há poucas execuções para um veredito, que exige * por lado.',
  '* against *: *. Too few runs for a verdict, which needs * pairs.': '* frente a *: *. Há poucas execuções para um veredito, que exige * pares.',
  '* is as fast as *: *, and with 95 % confidence within ± * %.': '* é tão rápido quanto *: *, e com 95 % de confiança dentro de ± * %.',
  'No difference shown between * and *: *, from * to *.': 'Nenhuma diferença demonstrada entre * e *: *, de * a *.',
  '* is slower than *: *, from * to *.': '* é mais lento que *: *, de * a *.',
  '* is faster than *: *, from * to *.': '* é mais rápido que *: *, de * a *.',
  // Repeating until a figure is known
  '* in one run; an interval needs two.': '* em uma execução; um intervalo exige duas.',
  '* ± * % after * runs; the target is ± * %.': '* ± * % após * execuções; o alvo é ± * %.',
  '* ± * % after * runs, with 95 % confidence.': '* ± * % após * execuções, com 95 % de confiança.',
  '* ± * % after * runs; ± * % would take about *.': '* ± * % após * execuções; ± * % levariam cerca de *.',
  '* ± * % after * runs; ± * % was not reached.': '* ± * % após * execuções; ± * % não foi alcançado.',
  'There is no judged figure that both sides have.': 'Não há número julgado que os dois lados tenham.',
  '* is better than * in *: *, from * to *.': '* é melhor que * em *: *, de * a *.',
  '* is worse than * in *: *, from * to *.': '* é pior que * em *: *, de * a *.',
  '* is as good as * in *: *, and with 95 % confidence within ± * %.': '* é tão bom quanto * em *: *, e com 95 % de confiança dentro de ± * %.',
  'energy per token': 'energia por token',
  'peak use of VRAM': 'pico de uso de VRAM',
  'peak use of RAM': 'pico de uso de RAM',
  'is no load of these benchmarks': 'não é uma carga destas execuções',
  // What a comparison should not be read without
  'These runs were not measured in turns: whatever changed in between is in the difference too.':
    'Estas execuções não foram medidas alternadamente: o que mudou entre elas também está na diferença.',
  'The machine was not the same on all sides.': 'A máquina não era a mesma em todos os lados.',
  '* of the runs are not valid.': '* das execuções não são válidas.',
  '* of the runs were measured by another program, whose load and clock may differ.':
    '* das execuções foram medidas por outro programa, cuja carga e cujo relógio podem diferir.',
  // Faults
  'must make 2 to * sides; these make *: those of the same model, engine, settings and machine stand together':
    'devem formar de 2 a * lados; estas formam *: as de mesmo modelo, motor, ajustes e máquina ficam juntas',
  'must be the index of a side, from 0 to *': 'deve ser o índice de um lado, de 0 a *',
  'give runs or sides, and one of them': 'informe runs ou sides, e só um deles',
  'must name a run': 'deve indicar uma execução',
  'is named twice': 'aparece duas vezes',
  'there is no such benchmark': 'não existe essa execução',
  'has no figures': 'não tem números',
  'is the name of another arm too': 'também é o nome de outro lado',
  'is given by the experiment, so that all arms get the same prompts': 'é dado pelo experimento, para que todos recebam os mesmos prompts',
  'is needed by this kind': 'é exigido por este tipo',
  'belongs to the kind ab': 'pertence ao tipo ab',
  'does not belong to the kind ab, which has arms': 'não pertence ao tipo ab, que tem lados',
  'is given by the experiment': 'é dado pelo experimento',
  'is what this kind is for': 'é para isso que serve este tipo',
  'must be true for a prompt of one\'s own, because later runs are planned from it; or use a dataset':
    'deve ser true para um prompt próprio, porque as execuções seguintes são planejadas a partir dele; ou use um conjunto de dados',
  'must be above 0 and at most *': 'deve ser maior que 0 e no máximo *',
  'This experiment has already ended.': 'Este experimento já terminou.',
  'This experiment is complete.': 'Este experimento está completo.',
  'This experiment is still being measured.': 'Este experimento ainda está sendo medido.',
  'There is no such experiment.': 'Não existe esse experimento.',
}
