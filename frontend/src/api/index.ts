export * as calls from './calls'
export * from './client'
export * from './live'
export type * from './types'
