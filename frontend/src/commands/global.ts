import { t, type Key } from '../i18n'
import type { RouteName } from '../lib/router'
import { quickCheck } from '../state/quickcheck.svelte'
import { route, runs, settings, theme, type ThemeSetting } from '../state'
import { shell } from '../shell/layers.svelte'
import type { IconName } from '../ui'
import type { Command } from './registry.svelte'

const places: [RouteName, Key, IconName, string][] = [
  ['home', 'shell.home', 'house', 'G H'],
  ['results', 'shell.results', 'history', 'G R'],
  ['compare', 'shell.compare', 'compare', 'G C'],
  ['models', 'shell.models', 'box', 'G M'],
  ['datasets', 'shell.datasets', 'file', 'G D'],
  ['engines', 'shell.engines', 'server', 'G E'],
  ['hardware', 'shell.hardware', 'gauge', 'G W'],
  ['api', 'shell.api', 'terminal', 'G A'],
  ['settings', 'shell.settings', 'settings', 'G S'],
]

const themes: [ThemeSetting, Key, IconName][] = [
  ['dark', 'shell.themeDark', 'moon'],
  ['light', 'shell.themeLight', 'sun'],
  ['system', 'shell.themeSystem', 'settings'],
]

/** Starts the quick check and shows it; without a model or engine the welcome screen says what is missing. */
export async function startQuickCheck(): Promise<void> {
  quickCheck.clear()
  route.go('firstrun')
  if (quickCheck.model && quickCheck.engineReady) await quickCheck.start()
}

/** Compare opens with the runs that are chosen. */
function go(name: RouteName): void {
  route.go(name, '', name === 'compare' && runs.selected.size ? { runs: [...runs.selected].join(',') } : {})
}

function setTheme(name: ThemeSetting): void {
  theme.choose(name)
  void settings.edit({ theme: name }).catch(() => undefined) // the colours hold until the next start
}

function setLanguage(language: string): void {
  void settings.edit({ language }).catch(() => undefined)
}

/** What can be done on every screen. */
export function globalCommands(): Command[] {
  const running = runs.running
  return [
    { id: 'palette', label: t('shell.searchTitle'), group: 'action', icon: 'search', keys: 'Ctrl K', always: true, run: () => (shell.paletteOpen = true) },
    { id: 'new', label: t('shell.newBenchmark'), group: 'action', icon: 'plus', keys: 'Ctrl N', always: true, run: () => route.go('newbench') },
    { id: 'quick', label: t('shell.quickCheck'), group: 'action', icon: 'play', keywords: 'quick check teste rápido', run: () => void startQuickCheck() },
    ...(running
      ? [
          { id: 'live', label: t('shell.liveRun'), group: 'go', icon: 'activity', keys: 'G L', run: () => route.go('live') } satisfies Command,
          { id: 'stop', label: t('shell.stopRun'), group: 'action', icon: 'square', keys: 'Ctrl .', always: true, run: () => (shell.stopping = running.job_id) } satisfies Command,
        ]
      : []),
    ...places.map(([name, key, icon, keys]): Command => ({ id: `go-${name}`, label: t(key), group: 'go', icon, keys, run: () => go(name) })),
    { id: 'go-welcome', label: t('shell.welcome'), group: 'go', icon: 'info', run: () => route.go('firstrun') },
    ...themes.map(([name, key, icon]): Command => ({ id: `theme-${name}`, label: t(key), group: 'action', icon, run: () => setTheme(name) })),
    { id: 'lang-en', label: t('shell.langEn'), group: 'action', icon: 'settings', keywords: 'idioma language', run: () => setLanguage('en') },
    { id: 'lang-pt', label: t('shell.langPt'), group: 'action', icon: 'settings', keywords: 'idioma language', run: () => setLanguage('pt-BR') },
    { id: 'keys', label: t('shell.keysTitle'), group: 'action', icon: 'keyboard', keys: '?', run: () => (shell.keysOpen = true) },
  ]
}
