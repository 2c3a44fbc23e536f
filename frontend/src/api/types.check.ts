import type * as Own from './types'
import type { components } from './schema'

/**
 * Compares the hand-written types with those generated from the contract: each of ours must be a
 * case of the generated one and have the same keys. A difference is a compile error here.
 */
type Schemas = components['schemas']

type Names =
  | 'Run' | 'Plan' | 'Progress' | 'Summary' | 'Stats' | 'Stage' | 'Validity' | 'Check' | 'Warning' | 'HardwareMetrics'
  | 'Environment' | 'EngineInfo' | 'RequestRecord' | 'Sample' | 'GPUSample' | 'GPUInfo' | 'System' | 'AppInfo' | 'Model'
  | 'GGUFInfo' | 'Download' | 'Endpoint' | 'EndpointCheck' | 'Engine' | 'Dataset' | 'DatasetDetail' | 'Prompt' | 'Averages'
  | 'Result' | 'Health' | 'DoctorReport' | 'Preflight' | 'Settings' | 'SettingsPatch' | 'RunPatch' | 'PhaseChange'

type OwnTypes = {
  Run: Own.Run, Plan: Own.Plan, Progress: Own.Progress, Summary: Own.Summary, Stats: Own.Stats, Stage: Own.Stage
  Validity: Own.Validity, Check: Own.Check, Warning: Own.Warning, HardwareMetrics: Own.HardwareMetrics
  Environment: Own.Environment, EngineInfo: Own.EngineInfo, RequestRecord: Own.RequestRecord, Sample: Own.Sample
  GPUSample: Own.GPUSample, GPUInfo: Own.GPUInfo, System: Own.System, AppInfo: Own.AppInfo, Model: Own.Model
  GGUFInfo: Own.GGUFInfo, Download: Own.Download, Endpoint: Own.Endpoint, EndpointCheck: Own.EndpointCheck
  Engine: Own.Engine, Dataset: Own.Dataset, DatasetDetail: Own.DatasetDetail, Prompt: Own.Prompt, Averages: Own.Averages
  Result: Own.Result, Health: Own.Health, DoctorReport: Own.DoctorReport, Preflight: Own.Preflight, Settings: Own.Settings
  SettingsPatch: Own.SettingsPatch, RunPatch: Own.RunPatch, PhaseChange: Own.PhaseChange
}

/** The names whose keys differ from the contract's. */
type Different = {
  [N in Names]: [keyof OwnTypes[N]] extends [keyof Schemas[N]] ? ([keyof Schemas[N]] extends [keyof OwnTypes[N]] ? never : N) : N
}[Names]

type MustBeNever<T extends never> = T
export type SameKeys = MustBeNever<Different>
