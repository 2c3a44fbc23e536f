/** The language of words and numbers. Reading it in a template makes the template follow it. */

export type Lang = 'en' | 'pt-BR'

class Locale {
  lang = $state<Lang>('en')
}

export const locale = new Locale()

/** The language for a setting: "system" follows the list of the browser's languages. */
export function resolveLang(setting: string, preferred: readonly string[]): Lang {
  if (setting === 'en' || setting === 'pt-BR') return setting
  const first = preferred.find((l) => /^(en|pt)\b/i.test(l)) ?? 'en'
  return /^pt/i.test(first) ? 'pt-BR' : 'en'
}
