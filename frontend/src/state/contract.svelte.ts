import { calls, type Averages } from '../api'
import { Resource } from './resource.svelte'

export interface RouteInfo {
  method: string
  path: string
  summary: string
}

/** What the API offers, from its own description, and the averages it gives. */
class Contract {
  readonly routes = new Resource<RouteInfo[]>(async () => {
    const { paths } = await calls.openapi()
    return Object.entries(paths ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, o]) => ({ method: method.toUpperCase(), path, summary: o.summary ?? '' })))
  })
  readonly averages = new Resource<Averages>(() => calls.averages())

  async rotateToken(): Promise<void> {
    await calls.rotateToken()
  }
}

export const contract = new Contract()
