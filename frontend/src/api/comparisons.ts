import { request } from './client'
import type * as T from './types'

/** Runs against one another, and experiments that measure them in turns. */

const id = encodeURIComponent

/** Holds runs against one another; nothing of it is stored. */
export const compare = async (json: T.ComparisonRequest): Promise<T.Comparison> =>
  (await request<T.Comparison>('POST', '/comparisons', { json, bound: ['Compare', JSON.stringify(json)] })).body

/** How a figure spreads over the requests of each run. */
export const distributions = async (ids: readonly string[], metric: string, load: string, points: number): Promise<T.Distribution[]> =>
  (await request<T.Distribution[] | null>('GET', '/distributions', { query: { runs: ids.join(','), metric, load: load || undefined, points } })).body ?? []

export const experiments = async (): Promise<T.Experiment[]> => (await request<T.Experiment[] | null>('GET', '/experiments')).body ?? []

export const experiment = async (which: string): Promise<T.Experiment> => (await request<T.Experiment>('GET', `/experiments/${id(which)}`)).body

/** What an experiment would find, and how long it would take; it starts nothing. */
export const estimateExperiment = async (json: T.ExperimentRequest): Promise<T.ExperimentEstimate> =>
  (await request<T.ExperimentEstimate>('POST', '/estimates', { json, bound: ['EstimateExperiment', JSON.stringify(json)] })).body

/** The kinds of users that capacity knows. */
export const personas = async (): Promise<T.Persona[]> => (await request<T.Persona[]>('GET', '/personas')).body

export const startExperiment = async (json: T.ExperimentRequest): Promise<T.Experiment> =>
  (await request<T.Experiment>('POST', '/experiments', { json, bound: ['StartExperiment', JSON.stringify(json)] })).body

export const cancelExperiment = async (which: string): Promise<T.Experiment> =>
  (await request<T.Experiment>('POST', `/experiments/${id(which)}/cancel`, { bound: ['CancelExperiment', which] })).body

/** Measures again what failed or was stopped, then what had not been measured. */
export const resumeExperiment = async (which: string): Promise<T.Experiment> =>
  (await request<T.Experiment>('POST', `/experiments/${id(which)}/resume`, { bound: ['ResumeExperiment', which] })).body

/** Forgets an experiment; its runs stay. */
export async function removeExperiment(which: string): Promise<void> {
  await request('DELETE', `/experiments/${id(which)}`, { bound: ['RemoveExperiment', which] })
}

export interface TrendQuery { metric: string; model?: string; start?: string }

/** One figure over time, a series for each thing that was measured again and again. */
export const trends = async (query: TrendQuery): Promise<T.Trend[]> => (await request<T.Trend[] | null>('GET', '/trends', { query: { ...query } })).body ?? []

export const alerts = async (): Promise<T.Alert[]> => (await request<T.Alert[] | null>('GET', '/alerts')).body ?? []

export const acknowledgeAlert = async (which: string): Promise<T.Alert> =>
  (await request<T.Alert>('POST', `/alerts/${id(which)}/acknowledge`, { bound: ['AcknowledgeAlert', which] })).body

export const reopenAlert = async (which: string): Promise<T.Alert> =>
  (await request<T.Alert>('DELETE', `/alerts/${id(which)}/acknowledge`, { bound: ['ReopenAlert', which] })).body

/** The builds of the embedded engine, and whether one wants to be measured. */
export const builds = async (): Promise<T.Builds> => (await request<T.Builds>('GET', '/builds')).body

export const measureBuild = async (json: T.BuildRequest): Promise<T.Experiment[]> =>
  (await request<T.Experiment[]>('POST', '/builds/measure', { json, bound: ['MeasureBuild', JSON.stringify(json)] })).body
