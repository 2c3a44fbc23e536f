import { calls, type Trend } from '../api'
import { recall, remember } from '../lib/storage'
import { Resource } from './resource.svelte'

const DAY_MS = 86_400_000

/** Figures over time: which one, how far back, and what the program found in them. */
class Trends {
  metric = $state(recall('trendMetric', (v): v is string => typeof v === 'string', 'decode_tokens_per_second'))
  /** Only runs of so many last days; 0: all. */
  days = $state(0)
  readonly read = new Resource<Trend[]>(() => {
    const start = this.days ? new Date(Date.now() - this.days * DAY_MS).toISOString() : undefined
    return calls.trends({ metric: this.metric, start })
  })

  async follow(metric: string, days: number): Promise<void> {
    this.metric = metric
    this.days = days
    remember('trendMetric', metric)
    await this.read.load()
  }
}

export const trends = new Trends()
