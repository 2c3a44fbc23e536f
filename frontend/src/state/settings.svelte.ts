import { calls, type Setting, type Settings, type SettingsPatch } from '../api'
import { locale, resolveLang } from '../lib/locale.svelte'
import { Resource } from './resource.svelte'
import { theme, type ThemeSetting } from './theme.svelte'

const themes: readonly string[] = ['system', 'dark', 'light']

/** The settings with their origins; theme and language take effect as soon as they are known. */
class SettingsState {
  readonly all = new Resource<Settings>(() => calls.getSettings())

  get(key: string): Setting | null {
    return this.all.value?.items.find((s) => s.key === key) ?? null
  }

  text(key: string): string {
    const v = this.get(key)?.value
    return typeof v === 'string' ? v : ''
  }

  flag(key: string): boolean {
    return this.get(key)?.value === true
  }

  async load(): Promise<void> {
    await this.all.load()
    this.apply()
  }

  async edit(patch: SettingsPatch): Promise<void> {
    this.all.value = await calls.editSettings(patch)
    this.apply()
  }

  private apply(): void {
    const chosen = this.text('theme')
    if (themes.includes(chosen)) theme.choose(chosen as ThemeSetting)
    locale.lang = resolveLang(this.text('language') || 'system', navigator.languages)
    document.documentElement.lang = locale.lang
  }
}

export const settings = new SettingsState()
