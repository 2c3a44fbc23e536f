export type ThemeSetting = 'system' | 'dark' | 'light';

/** The colours of the page; "system" follows the desktop. */
class Theme {
  setting = $state<ThemeSetting>('system')
  private dark = $state(true)

  get shown(): 'dark' | 'light' {
    if (this.setting !== 'system') return this.setting
    return this.dark ? 'dark' : 'light'
  }

  /** Follows the desktop's choice and paints the document, until the returned function is called. */
  start(): () => void {
    const media = matchMedia('(prefers-color-scheme: dark)')
    const follow = (): void => {
      this.dark = media.matches
      this.paint()
    }
    follow()
    media.addEventListener('change', follow)
    return () => media.removeEventListener('change', follow)
  }

  choose(setting: ThemeSetting): void {
    this.setting = setting
    this.paint()
  }

  private paint(): void {
    document.documentElement.dataset['theme'] = this.shown
  }
}

export const theme = new Theme()
