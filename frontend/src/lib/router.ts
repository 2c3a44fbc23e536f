/** The addresses of the screens: #/results, #/runs/ID, #/new?model=ID. Pure; state/route follows them. */

export type RouteName =
  | 'home' | 'firstrun' | 'newbench' | 'live' | 'results' | 'detail' | 'compare' | 'experiment' | 'models' | 'quality'
  | 'datasets' | 'engines' | 'hardware' | 'api' | 'settings'

export interface Route {
  name: RouteName
  /** The id in the path; empty for screens without one. */
  id: string
  query: Record<string, string>
}

const paths: Record<RouteName, string> = {
  home: '',
  firstrun: 'welcome',
  newbench: 'new',
  live: 'live',
  results: 'results',
  detail: 'runs',
  compare: 'compare',
  experiment: 'experiments',
  models: 'models',
  quality: 'quality',
  datasets: 'datasets',
  engines: 'engines',
  hardware: 'hardware',
  api: 'api',
  settings: 'settings',
}

/** Screens of one thing, which the path must name. */
const ofOne: ReadonlySet<RouteName> = new Set(['detail', 'experiment', 'quality'])

const names = new Map(Object.entries(paths).map(([name, path]) => [path, name as RouteName]))

/** Reads a location hash; an unknown one is null. */
export function parseHash(hash: string): Route | null {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?')
  const [head = '', id = '', ...rest] = path.split('/')
  const name = names.get(head)
  if (!name || rest.length > 0) return null
  if (ofOne.has(name) !== (id !== '') && name !== 'live') return null
  return { name, id: decode(id), query: Object.fromEntries(new URLSearchParams(search)) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The link to a screen. */
export function href(name: RouteName, id = '', query: Record<string, string> = {}): string {
  const path = [paths[name], id && encodeURIComponent(id)].filter(Boolean).join('/')
  const search = new URLSearchParams(query).toString()
  return `#/${path}${search ? `?${search}` : ''}`
}
