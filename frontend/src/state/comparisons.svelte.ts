import { asProblem, calls, type Comparison, type ComparisonRequest, type Distribution, type Experiment, type ExperimentEstimate, type ExperimentRequest, type Persona, type Problem, type SideInput } from '../api'
import { named } from '../lib/compare'
import { Resource } from './resource.svelte'
import { route } from './route.svelte'

export interface Asked {
  runs: string[]
  baseline: number
  each: boolean
  /** Which runs stand together, where that was chosen. */
  sides?: SideInput[] | null
  /** The least difference that matters, in percent; the program's own unless said. */
  min?: number
  /** The stage to compare; the one that each run is spoken of by when empty. */
  load?: string
  /** The figures that get a verdict; the usual ones unless said. */
  judged?: string[]
}
export interface Compared extends Comparison {
  /** Each run stands for itself. */
  each: boolean
}

const MOST_SIDES = 8

/**
 * Holds runs against one another. Those that were measured alike stand together; where all of them were, each stands
 * for itself. Sides of one name get names that tell them apart.
 */
export async function compareRuns(q: Asked, word: (key: string, value: string) => string): Promise<Compared> {
  let each = q.each
  const more = { min_effect_percent: q.min, load: q.load || undefined, judged: q.judged }
  if (q.sides && !q.each) return { ...(await calls.compare({ sides: q.sides, baseline: q.baseline, ...more })), each: false }
  const ask = (): ComparisonRequest => (each ? { sides: q.runs.map((id) => ({ runs: [id] })), baseline: q.baseline, ...more } : { runs: q.runs, baseline: q.baseline, ...more })
  let c: Comparison
  try {
    c = await calls.compare(ask())
  } catch (err) {
    const alike = asProblem(err).fields['runs']?.startsWith('must make') ?? false
    if (each || !alike || q.runs.length > MOST_SIDES) throw err
    each = true
    c = await calls.compare(ask())
  }
  const sides = named(c, word)
  return { ...(sides ? await calls.compare({ sides, baseline: c.baseline, ...more }) : c), each }
}

/** With many runs fewer points of each: together they have more than enough. */
const [FEW_RUNS, POINTS, FEWER_POINTS] = [8, 200, 100]

/** The last answers: runs that have ended do not change, and two places of a screen may ask for the same. */
const told = new Map<string, Promise<Distribution[]>>()
const MOST_TOLD = 16

/** How a figure spreads over the requests of each run, at a load or at the one it is spoken of by. */
export function distributions(ids: readonly string[], metric: string, load = ''): Promise<Distribution[]> {
  const key = `${[...ids].sort().join()} ${metric} ${load}`
  const known = told.get(key)
  if (known) return known
  const asked = calls.distributions(ids, metric, load, ids.length > FEW_RUNS ? FEWER_POINTS : POINTS)
  told.set(key, asked)
  asked.catch(() => told.delete(key))
  for (const old of told.keys()) if (told.size > MOST_TOLD) told.delete(old)
  return asked
}

/** Measurements in turns, newest first. */
class Experiments {
  readonly all = new Resource<Experiment[]>(() => calls.experiments())

  readonly personas = new Resource<Persona[]>(() => calls.personas())

  start(request: ExperimentRequest): Promise<Experiment> {
    return calls.startExperiment(request)
  }

  estimate(request: ExperimentRequest): Promise<ExperimentEstimate> {
    return calls.estimateExperiment(request)
  }

  async remove(id: string): Promise<void> {
    await calls.removeExperiment(id)
    await this.all.load()
  }
}

export const experiments = new Experiments()

/** Starts an experiment from a form, and goes to it. */
export class Starting {
  busy = $state(false)
  problem = $state.raw<Problem | null>(null)

  /** True when it has begun. */
  async begin(request: ExperimentRequest): Promise<boolean> {
    this.busy = true
    this.problem = null
    try {
      route.go('experiment', (await experiments.start(request)).id)
      return true
    } catch (err) {
      this.problem = asProblem(err)
      return false
    } finally {
      this.busy = false
    }
  }
}

/** One experiment with its comparison so far. */
export class OneExperiment {
  readonly id: string
  readonly read: Resource<Experiment>

  constructor(id: string) {
    this.id = id
    this.read = new Resource(() => calls.experiment(id))
  }

  async resume(): Promise<void> {
    await calls.resumeExperiment(this.id)
    await this.read.load()
  }

  async cancel(): Promise<void> {
    await calls.cancelExperiment(this.id)
    await this.read.load()
  }
}
