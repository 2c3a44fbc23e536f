import { href, parseHash, type Route, type RouteName } from '../lib/router'

const home: Route = { name: 'home', id: '', query: {} }

/** The screen that the address names. */
class Router {
  current = $state.raw<Route>(home)

  /** Follows the address until the returned function is called. */
  start(): () => void {
    const follow = (): void => {
      this.current = parseHash(location.hash) ?? home
    }
    follow()
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }

  go(name: RouteName, id = '', query: Record<string, string> = {}): void {
    location.hash = href(name, id, query)
  }
}

export const route = new Router()
