import { locale } from '../lib/locale.svelte'
import { asProblem, type BenchmarkRequest, type Model, type Problem, type Run } from '../api'
import { library } from './library.svelte'
import { runs } from './runs.svelte'
import { settings } from './settings.svelte'

/** What the quick check sends; everything else is the contract's default. */
export function quickRequest(model: Model, datasetId: string): BenchmarkRequest {
  return {
    name: 'Quick check',
    model_id: model.id,
    ...(model.endpoint_id ? { endpoint_id: model.endpoint_id } : {}),
    dataset_id: datasetId,
    max_tokens: 128,
    temperature: 0,
    load: { kind: 'single' },
    stop: { requests: 5 },
    warmup: 2,
  }
}

/** One click: the default model, a built-in dataset, five repeats. */
class QuickCheck {
  /** The model a person chose; the default one when empty. */
  chosen = $state('')
  starting = $state(false)
  problem = $state.raw<Problem | null>(null)
  /** The run of the last quick check since the page opened. */
  runId = $state('')

  readonly usable = $derived((library.models.value ?? []).filter((m) => m.installed && !m.error))
  readonly model = $derived(
    this.usable.find((m) => m.id === this.chosen) ?? this.usable.find((m) => m.default) ?? this.usable[0] ?? null,
  )
  /** The model to offer for download when there is none. */
  readonly offer = $derived(
    (library.catalogue.value ?? []).find((m) => m.default) ?? (library.catalogue.value ?? [])[0] ?? null,
  )
  readonly engine = $derived((library.engines.value ?? []).find((e) => e.id === 'llama-server') ?? (library.engines.value ?? [])[0] ?? null)
  /** An endpoint's model brings its own engine. */
  readonly engineReady = $derived(!!this.engine?.installed || !!this.model?.endpoint_id)
  readonly run = $derived<Run | null>(this.runId ? (runs.items.find((r) => r.job_id === this.runId) ?? null) : null)

  private dataset(): string {
    const list = library.datasets.value ?? []
    const lang = locale.lang === 'pt-BR' ? 'pt' : 'en'
    const match = list.find((d) => d.builtin && d.id === `chat-${lang}`) ?? list.find((d) => d.builtin && d.language.startsWith(lang))
    return match?.id ?? list.find((d) => d.builtin)?.id ?? 'chat-en'
  }

  async start(): Promise<Run | null> {
    const model = this.model
    if (!model || this.starting) return null
    this.starting = true
    this.problem = null
    try {
      await library.datasets.ensure()
      const run = await runs.start(quickRequest(model, this.dataset()))
      this.runId = run.job_id
      if (!settings.flag('onboarding_done')) void settings.edit({ onboarding_done: true }).catch(() => undefined)
      return run
    } catch (err) {
      this.problem = asProblem(err)
      return null
    } finally {
      this.starting = false
    }
  }

  clear(): void {
    this.runId = ''
    this.problem = null
  }
}

export const quickCheck = new QuickCheck()
