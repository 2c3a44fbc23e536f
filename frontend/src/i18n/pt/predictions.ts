/** What the program says of predictions; as program.ts. */
export const predictions: Record<string, string> = {
  'No run tells yet: it takes a benchmark of a local model on this machine, one request at a time, that neither heat nor other programs held back.':
    'Nenhuma execução mostra ainda: é preciso um benchmark de um modelo local nesta máquina, um pedido por vez, que nem o calor nem outros programas tenham segurado.',
  'A token takes * ms and what it reads at * GB/s, learnt from * run(s) of * model file(s).':
    'Um token leva * ms e o que lê a * GB/s, aprendido de * execução(ões) de * arquivo(s) de modelo.',
  'None of them was without a caution, so expect less of it.': 'Nenhuma delas foi sem cuidado, então espere menos disso.',
  '* of * predictions held; the median error is * %.': '* de * previsões se confirmaram; o erro mediano é * %.',
  'No prediction can be scored yet: it takes runs of two model files or of two context depths.':
    'Nenhuma previsão pode ser avaliada ainda: são precisas execuções de dois arquivos de modelo ou de duas profundidades de contexto.',
  'The memory bandwidth of this machine has not been measured, so another one cannot be held against it.':
    'A banda de memória desta máquina não foi medida, então outra não pode ser comparada com ela.',
  'The size in another quantization is estimated, ± 5 %.': 'O tamanho em outra quantização é estimado, ± 5 %.',
  'No run used *, whose arithmetic may be faster or slower: the range is wide.': 'Nenhuma execução usou *, cuja aritmética pode ser mais rápida ou mais lenta: a faixa é larga.',
  'How many bits a weight of this file has is not known.': 'Não se sabe quantos bits tem um peso deste arquivo.',
  'The context of this model holds * tokens.': 'O contexto deste modelo comporta * tokens.',
  'How the context cache of this model grows is not known, so it is left out.': 'Não se sabe como o cache de contexto deste modelo cresce, por isso fica de fora.',
  'What the weights of this model are stored in is not known before it is fetched.': 'Antes de baixar o modelo não se sabe como seus pesos são guardados.',
  'The size of the file stands for what a token reads, without the context cache.': 'O tamanho do arquivo vale pelo que um token lê, sem o cache de contexto.',
  'It takes * GB and the memory has * GB.': 'Ele ocupa * GB e a memória tem * GB.',
  'No run tells the speed of reading prompts of * tokens or more.': 'Nenhuma execução mostra a velocidade de ler prompts de * tokens ou mais.',
  'How many parameters of this model take part in a token is not known.': 'Não se sabe quantos parâmetros deste modelo participam de um token.',
}
