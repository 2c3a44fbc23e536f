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

interface Pattern { match: RegExp; text: string }

const patterns: Pattern[] = Object.entries({ ...program, ...answers, ...comparisons, ...conditions, ...files, ...limits, ...predictions, ...qualities, ...sweeps, ...searches }).map(([en, text]) => ({
  match: new RegExp(`^${en.split('*').map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+?)')}$`, 's'),
  text,
}))

/**
 * A text that the program wrote in English, in the chosen language. Known sentences are translated one
 * by one; what is not known stays as it came, because a foreign word says more than none.
 */
export function said(text: string | null | undefined): string {
  if (!text || locale.lang === 'en') return text ?? ''
  return whole(text) ?? sentences(text).map((s) => whole(s) ?? s).join(' ')
}

function whole(text: string): string | null {
  for (const { match, text: words } of patterns) {
    const found = match.exec(text)
    if (!found) continue
    let i = 0
    return words.replace(/\*/g, () => part(found[++i] ?? ''))
  }
  return null
}

/** Numbers and percents take the decimal comma; a part that is itself a known sentence is translated. */
function part(text: string): string {
  if (/^(p [=<] )?[+-]?\d+(\.\d+)?( %| tok\/s| ms| req\/s| J\/token| GB)?$/.test(text)) return text.replace('.', ',')
  return text.length > 12 ? (whole(text) ?? sentences(text).map((s) => whole(s) ?? s).join(' ')) : text
}

function sentences(text: string): string[] {
  return text.split(/(?<=[.!?]) /)
}
