import { afterEach, describe, expect, it } from 'vitest'
import { locale } from '../lib/locale.svelte'
import { answers } from './pt/answers'
import { comparisons } from './pt/comparisons'
import { conditions } from './pt/conditions'
import { files } from './pt/files'
import { limits } from './pt/limits'
import { predictions } from './pt/predictions'
import { program } from './pt/program'
import { qualities } from './pt/qualities'
import { sweeps } from './pt/sweeps'
import { searches } from './pt/searches'
import { said } from './said'

afterEach(() => {
  locale.lang = 'en'
})

describe('what the program says', () => {
  it('stays as it is in English', () => {
    expect(said('No swapping.')).toBe('No swapping.')
    expect(said(null)).toBe('')
  })

  it.each([
    ['No swapping.', 'Sem uso novo de swap.'],
    ['Other programs used 12.5 % of the processor while measuring (limit 10 %).', 'Outros programas usaram 12,5 % do processador durante a medição (limite 10 %).'],
    ['No usable GPU: measuring on the CPU. No NVIDIA driver found (libnvidia-ml.so.1 is not on this machine).',
      'Sem GPU utilizável: medindo na CPU. Nenhum driver da NVIDIA encontrado (libnvidia-ml.so.1 não está nesta máquina).'],
    ['Decoding is limited by memory bandwidth: it reads 20.0 of 25.0 GB/s (80 %).', 'A geração é limitada pela banda de memória: lê 20,0 de 25,0 GB/s (80 %).'],
    ['The clock fell from 4000 to 3280 MHz after 74 s of measuring. No reading shows why.',
      'A frequência caiu de 4000 para 3280 MHz após 74 s de medição. Nenhuma leitura mostra por quê.'],
    ['Other programs used 12.5 % of the processor while measuring (limit 5 %). Most of it, in percent of a core: cc1plus 97.',
      'Outros programas usaram 12,5 % do processador durante a medição (limite 5 %). A maior parte, em porcento de um núcleo: cc1plus 97.'],
    ['No request succeeded. The first failure: The endpoint cannot be reached.', 'Nenhum pedido teve sucesso. A primeira falha: O endereço não pode ser alcançado.'],
    ['Could not get GPT-2 from any source. hub: no such host', 'Não foi possível obter GPT-2 de nenhuma fonte. hub: no such host'],
    ['Q4 is faster than Q8: +30.4 %, from +28.0 % to +32.9 %.', 'Q4 é mais rápido que Q8: +30,4 %, de +28,0 % a +32,9 %.'],
    ['B against A: -3.2 %. Too few runs for a verdict, which needs 3 runs a side.', 'B frente a A: -3,2 %. Há poucas execuções para um veredito, que exige 3 por lado.'],
    ['4 of 4 answers begin with the question. The chat template looks broken; the speed is not that of a working model.',
      '4 de 4 respostas começam com a pergunta. O modelo de conversa parece quebrado; a velocidade não é a de um modelo que funciona.'],
    ['Use threads 2, flash on: +8.2 %, from +7.1 % to +9.3 %.', 'Use threads 2, flash on: +8,2 %, de +7,1 % a +9,3 %.'],
    ['12 users (10–14 with 95 % confidence).', '12 usuários (10–14 com 95 % de confiança).'],
    ['Not even one user: 40.0 % of the requests met the objectives; 95 % must. TTFT p95 is 740 ms; the limit is 500 ms.',
      'Nem mesmo um usuário: 40,0 % dos pedidos cumpriram os objetivos; 95 % devem. TTFT p95 é 740 ms; o limite é 500 ms.'],
    ['message 1: there is no text', 'mensagem 1: não há texto'],
    ['must be a whole number from 1 to 10000', 'deve ser um número inteiro de 1 a 10000'],
    ['Stage 2: The first 10 requests were still warming up; without them the mean is 41.2 ms, not 43.0 ms. It is alike in 1 other stage(s).',
      'Etapa 2: Os primeiros 10 pedidos ainda eram de aquecimento; sem eles a média é 41,2 ms, não 43,0 ms. É assim em mais 1 etapa(s).'],
    ['Answers took 4.1 % longer at the end than at the start (p = 0.002).', 'As respostas levaram 4,1 % a mais no fim do que no começo (p = 0,002).'],
    ['Something new. No swapping.', 'Something new. Sem uso novo de swap.'],
  ])('is translated sentence by sentence: %s', (en, pt) => {
    locale.lang = 'pt-BR'
    expect(said(en)).toBe(pt)
  })

  it('keeps every changing part', () => {
    for (const [en, pt] of Object.entries({ ...program, ...answers, ...comparisons, ...conditions, ...files, ...limits, ...predictions, ...qualities, ...sweeps, ...searches })) expect(pt.split('*').length, en).toBe(en.split('*').length)
  })
})
