import { request } from './client'
import type * as T from './types'

/** How good the answers of models are. */

const id = encodeURIComponent

export const qualities = async (): Promise<T.Quality[]> => (await request<T.Quality[] | null>('GET', '/quality', { query: { limit: 500 } })).body ?? []

export const quality = async (which: string): Promise<T.QualityDetail> => (await request<T.QualityDetail>('GET', `/quality/${id(which)}`)).body

export const startQuality = async (json: T.QualityRequest): Promise<T.Quality> =>
  (await request<T.Quality>('POST', '/quality', { json, bound: ['StartQuality', JSON.stringify(json)] })).body

export const cancelQuality = async (which: string): Promise<T.Quality> =>
  (await request<T.Quality>('POST', `/quality/${id(which)}/cancel`, { bound: ['CancelQuality', which] })).body

export async function removeQuality(which: string): Promise<void> {
  await request('DELETE', `/quality/${id(which)}`, { bound: ['RemoveQuality', which] })
}
