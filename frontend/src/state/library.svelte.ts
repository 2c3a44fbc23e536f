import {
  calls, type Dataset, type DatasetDetail, type DatasetImport, type Discovered, type Download, type Endpoint, type EndpointCheck, type EndpointCheckInput,
  type EndpointInput, type Engine, type Model, type Prediction, type Predictions,
} from '../api'
import { Resource } from './resource.svelte'

const over = new Set(['done', 'failed', 'canceled'])

/** Models, engines, endpoints and datasets: what can be measured, with what, and on what. */
class LibraryState {
  readonly models = new Resource<Model[]>(() => calls.listModels())
  readonly catalogue = new Resource<Model[]>(() => calls.listModels(false))
  /** What each model would give here, as far as this machine's runs tell. */
  readonly predictions = new Resource<Predictions>(() => calls.predictions())
  readonly engines = new Resource<Engine[]>(() => calls.listEngines())
  readonly endpoints = new Resource<Endpoint[]>(() => calls.listEndpoints())
  /** Servers at the usual ports of this machine, registered or not. */
  readonly found = new Resource<Discovered[]>(() => calls.discover())
  readonly datasets = new Resource<Dataset[]>(() => calls.listDatasets())
  downloads = $state.raw<Record<string, Download>>({})

  async reload(): Promise<void> {
    await Promise.all([this.models, this.catalogue, this.engines, this.endpoints, this.datasets].map((r) => r.load()))
  }

  model(id: string): Model | null {
    return [...(this.models.value ?? []), ...(this.catalogue.value ?? [])].find((m) => m.id === id) ?? null
  }

  /** What a model would give, where that is known; what an endpoint serves is not predicted. */
  prediction(m: Model): Prediction | null {
    return m.endpoint_id !== null ? null : (this.predictions.value?.items.find((p) => p.model_id === m.id) ?? null)
  }

  /** The download of a model, from the events or from the list. */
  download(m: Model): Download | null {
    return this.downloads[m.id] ?? m.download
  }

  onDownload(d: Download): void {
    this.downloads = { ...this.downloads, [d.id]: d }
    if (!over.has(d.state)) return
    void this.models.load()
    void this.catalogue.load()
    void this.engines.load()
  }

  async startDownload(id: string): Promise<void> {
    this.onDownload(await calls.downloadModel(id))
  }

  async cancelDownload(id: string): Promise<void> {
    await calls.cancelDownload(id)
    await Promise.all([this.models.load(), this.catalogue.load()])
  }

  async addModel(path: string): Promise<Model> {
    const m = await calls.addModel(path)
    await this.models.load()
    return m
  }

  async removeModel(id: string): Promise<void> {
    await calls.removeModel(id)
    await Promise.all([this.models.load(), this.catalogue.load()])
  }

  async addEndpoint(input: EndpointInput): Promise<Endpoint> {
    const e = await calls.addEndpoint(input)
    await this.endpoints.load()
    return e
  }

  async editEndpoint(id: string, input: EndpointInput): Promise<void> {
    await calls.editEndpoint(id, input)
    await this.endpoints.load()
  }

  async removeEndpoint(id: string): Promise<void> {
    await calls.removeEndpoint(id)
    await Promise.all([this.endpoints.load(), this.models.load()])
  }

  /** Registers a server that was found here, under the name it gives itself. */
  async addFound(d: Discovered): Promise<Endpoint> {
    const e = await this.addEndpoint({ name: d.name, base_url: d.base_url, kind: d.kind })
    await Promise.all([this.found.load(), this.models.load()])
    return e
  }

  checkEndpoint(id: string, how: EndpointCheckInput = {}): Promise<EndpointCheck> {
    return calls.checkEndpoint(id, how)
  }

  dataset(id: string): Promise<DatasetDetail> {
    return calls.getDataset(id)
  }

  engineLog(id: string): Promise<string[]> {
    return calls.engineLog(id)
  }

  /** What an import would find; nothing is stored. */
  previewDataset(u: calls.Upload): Promise<DatasetImport> {
    return calls.addDataset({ ...u, preview: true })
  }

  async addDataset(u: calls.Upload): Promise<DatasetImport> {
    const d = await calls.addDataset(u)
    await this.datasets.load()
    return d
  }

  async removeDataset(id: string): Promise<void> {
    await calls.removeDataset(id)
    await this.datasets.load()
  }
}

export const library = new LibraryState()
