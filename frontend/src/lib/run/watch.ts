import type { GPUSample, Sample } from '../../api/types'
import type { RunEvent } from './events'
import { Spells, type Spell } from './spells'

/** What the readings are held against; asked anew for each, since it may become known later. */
export interface About {
  periodMs: number
  threads: number
  vramGb: (gpu: number) => number | null
}

/** Smaller or shorter ones are kept with the readings and not told. */
const CLOCK_DROP = 0.03
const CLOCK_WINDOW_S = 2
const BUSY_PERCENT = 50
const [GPU_SHARED_PERCENT, CPU_SHARED_PERCENT, SHARED_S] = [5, 15, 2]
/** A card that touches its power limit for a moment does what it is built for. */
const POWER_S = 1
const VRAM_FULL = 0.98
const VRAM_OTHER = 0.05
const LOST_S = 1
const SWAP_GB = 0.05
const MISSED_GAP_S = 5
const GAP_S = 1

/** Watches one GPU. */
class CardWatch {
  private readonly reasons = new Map<string, Spells>()
  private readonly slow = new Spells(CLOCK_WINDOW_S, CLOCK_WINDOW_S)
  private readonly full = new Spells(GAP_S, GAP_S)
  private readonly other = new Spells(GAP_S, GAP_S)
  private readonly shared = new Spells(GAP_S, SHARED_S)
  private readonly lost = new Spells(0, LOST_S)
  private recent: { t: number; mhz: number }[] = []
  private best: number | null = null
  private otherBase: number | null = null
  private totalGb: number | null = null

  /** No sample of the card stands for a card that tells nothing. */
  push(t: number, s: Sample, g: GPUSample | undefined, totalGb: number | null): void {
    this.totalGb = totalGb
    const dark = !g || [g.gpu_usage_percent, g.vram_usage_gb, g.power_w, g.temp_c, g.clock_mhz].every((v) => v === null)
    this.lost.push(t, dark)
    if (!g || dark) return
    const mean = this.clock(t, s, g)
    for (const r of g.limit_reasons ?? []) if (r !== 'idle' && !this.reasons.has(r)) this.reasons.set(r, new Spells(GAP_S, r === 'power_cap' ? POWER_S : 0))
    for (const [r, spells] of this.reasons) spells.push(t, (g.limit_reasons ?? []).includes(r), mean, this.best)
    this.memory(t, g)
    const others = g.engine_gpu_percent !== null ? (g.gpu_usage_percent ?? 0) - g.engine_gpu_percent : s.phase === 'settle' ? (g.gpu_usage_percent ?? 0) : 0
    this.shared.push(t, others >= GPU_SHARED_PERCENT, others)
  }

  /** The mean clock of the last moments under load, held against the best such mean so far. */
  private clock(t: number, s: Sample, g: GPUSample): number | null {
    const loaded = s.phase === 'measure' && (g.gpu_usage_percent ?? 0) >= BUSY_PERCENT && g.clock_mhz !== null
    if (!loaded) {
      this.recent = []
      this.slow.push(t, false)
      return g.clock_mhz
    }
    this.recent.push({ t, mhz: g.clock_mhz ?? 0 })
    while (this.recent.length > 1 && t - (this.recent[1]?.t ?? t) >= CLOCK_WINDOW_S) this.recent.shift()
    const mean = this.recent.reduce((a, r) => a + r.mhz, 0) / this.recent.length
    const ready = t - (this.recent[0]?.t ?? t) >= CLOCK_WINDOW_S * 0.9
    const best = this.best
    this.slow.push(t, ready && best !== null && mean <= best * (1 - CLOCK_DROP), mean, best)
    if (ready) this.best = Math.max(best ?? 0, mean)
    return mean
  }

  private memory(t: number, g: GPUSample): void {
    const total = this.totalGb
    if (total && g.vram_usage_gb !== null) this.full.push(t, g.vram_usage_gb >= total * VRAM_FULL, g.vram_usage_gb)
    if (g.other_vram_gb === null) return
    this.otherBase ??= g.other_vram_gb
    const grown = g.other_vram_gb - this.otherBase
    if (total) this.other.push(t, grown >= total * VRAM_OTHER, grown)
  }

  events(gpu: number): RunEvent[] {
    const held = [...this.reasons].flatMap(([id, spells]) => spells.all.map((s): RunEvent => ({ ...over('throttle', s), id, gpu, value: s.low, before: s.before })))
    // A clock that fell while the card names a reason is told with the reason.
    const alone = this.slow.all.filter((s) => !held.some((h) => (h.from ?? 0) <= s.to && (h.to ?? 0) >= s.from - CLOCK_WINDOW_S))
    return [
      ...held,
      ...alone.map((s): RunEvent => ({ ...over('clock', s), gpu, value: s.low, before: s.before })),
      ...this.full.all.map((s): RunEvent => ({ ...over('vram', s), gpu, value: s.high, before: this.totalGb })),
      ...this.other.all.map((s): RunEvent => ({ ...over('vram_other', s), gpu, value: s.high })),
      ...this.shared.all.map((s): RunEvent => ({ ...over('gpu_shared', s), gpu, value: s.high })),
      ...this.lost.all.map((s): RunEvent => ({ ...over('gpu_lost', s), gpu })),
    ]
  }
}

function over(kind: RunEvent['kind'], s: Spell): RunEvent {
  return { kind, from: s.from, to: s.to > s.from ? s.to : null }
}

/** Watches the readings of a run for what may have spoilt it. The same for readings as they come and for those of a run that ended. */
export class Watch {
  private readonly about: () => About
  private readonly cards = new Map<number, CardWatch>()
  private readonly foreign = new Spells(GAP_S, SHARED_S)
  private readonly missed = new Spells(MISSED_GAP_S, 0)
  private swapBase: number | null = null
  private swap: RunEvent | null = null

  constructor(about: () => About) {
    this.about = about
  }

  push(s: Sample): void {
    const about = this.about()
    const t = s.t_ms / 1000
    for (const g of s.gpus ?? []) if (!this.cards.has(g.index)) this.cards.set(g.index, new CardWatch())
    for (const [i, card] of this.cards) card.push(t, s, (s.gpus ?? []).find((g) => g.index === i), about.vramGb(i))
    const others = foreignCPU(s, about.threads)
    this.foreign.push(t, (others ?? 0) >= CPU_SHARED_PERCENT, others)
    // A reading that is late by whole periods has made the ones between be left out.
    const late = about.periodMs > 0 ? Math.floor(s.late_ms / about.periodMs) : 0
    this.missed.push(t, late > 0, late)
    this.onSwap(t, s.swap_usage_gb)
  }

  private onSwap(t: number, gb: number | null): void {
    if (gb === null) return
    this.swapBase ??= gb
    const grown = gb - this.swapBase
    if (grown <= SWAP_GB) return
    this.swap ??= { kind: 'swap', from: t, to: null, value: grown }
    this.swap.value = Math.max(this.swap.value ?? 0, grown)
  }

  events(): RunEvent[] {
    return [
      ...[...this.cards].flatMap(([i, card]) => card.events(i)),
      ...this.foreign.all.map((s): RunEvent => ({ ...over('cpu_shared', s), value: s.high })),
      ...this.missed.all.map((s): RunEvent => ({ ...over('missed', s), value: s.sum })),
      ...(this.swap ? [this.swap] : []),
    ]
  }
}

/** What other programs used of the machine in percent; null where one part is not known. */
export function foreignCPU(s: Pick<Sample, 'cpu_usage_percent' | 'engine_cpu_percent' | 'self_cpu_percent'>, threads: number): number | null {
  if (s.cpu_usage_percent === null || s.engine_cpu_percent === null) return null
  return Math.max(0, s.cpu_usage_percent - (s.engine_cpu_percent + (s.self_cpu_percent ?? 0)) / Math.max(1, threads))
}

/** What a whole list of readings tells. */
export function watched(samples: readonly Sample[], about: About): RunEvent[] {
  const watch = new Watch(() => about)
  for (const s of samples) watch.push(s)
  return watch.events()
}
