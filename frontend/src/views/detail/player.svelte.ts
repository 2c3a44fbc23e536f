import { around } from '../../lib/run/lane'
import { Crosshair } from '../../ui'

/** Where the replay of a run stands and what of it is in sight. Times are seconds of the run. */
export class Player {
  readonly cross = new Crosshair()
  /** The moment that is played; the crosshair, where there is one, is looked at instead. */
  at = $state<number | null>(null)
  playing = $state(false)
  speed = $state<'1' | '4' | '16'>('4')
  /** Null shows all. */
  zoom = $state.raw<[number, number] | null>(null)
  private readonly extent: () => [number, number]

  constructor(extent: () => [number, number]) {
    this.extent = extent
  }

  readonly whole = $derived.by((): [number, number] => this.extent())
  readonly range = $derived(this.zoom ?? this.whole)
  readonly played = $derived(this.at ?? (this.whole[0] + this.whole[1]) / 2)
  readonly now = $derived(this.cross.at ?? this.played)

  toggle(): void {
    if (this.played >= this.range[1]) this.at = this.range[0]
    this.playing = !this.playing
  }

  /** Moves on by the time that passed; true while it goes on. */
  pass(seconds: number): boolean {
    this.at = Math.min(this.range[1], this.played + seconds * Number(this.speed))
    this.playing = this.at < this.range[1]
    return this.playing
  }

  /** Looks at a stretch, with what surrounds it. */
  look(from: number, to: number): void {
    const [first, last] = this.whole
    const clamp = (s: number): number => Math.min(last, Math.max(first, s))
    this.at = clamp(from)
    this.zoom = around(clamp(from), clamp(to), this.whole)
  }
}
