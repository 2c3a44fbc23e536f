import type { Call } from './snippets'

export type Example = 'start' | 'list' | 'models' | 'averages' | 'telemetry'

export const examples: Example[] = ['start', 'list', 'models', 'averages', 'telemetry']

/** A call worth trying at an address, with a model that is there. */
export function example(which: Example, address: string, model: string): Call {
  const base = `${address.replace(/\/$/, '')}/api/v1`
  switch (which) {
    case 'start':
      return { method: 'POST', url: `${base}/benchmarks`, body: { model_id: model, prompt: 'Hello', max_tokens: 64 } }
    case 'list':
      return { method: 'GET', url: `${base}/benchmarks?limit=10` }
    case 'models':
      return { method: 'GET', url: `${base}/models` }
    case 'averages':
      return { method: 'GET', url: `${base}/results/average` }
    case 'telemetry':
      return { method: 'GET', url: `${base}/system/telemetry?last=10s` }
  }
}

/** The job for a Prometheus configuration. */
export function scrapeConfig(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/$/, '')
  return `scrape_configs:\n  - job_name: inferometer\n    static_configs:\n      - targets: ['${host}']`
}
