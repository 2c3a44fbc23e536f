/** The moment that all charts of a screen point at, in the unit of their time axes; null: none. */
export class Crosshair {
  at = $state<number | null>(null)

  /** Moves by a share of the visible time and stays within it; the first step begins at its newest end. */
  step(by: number, [from, to]: readonly [number, number]): void {
    const start = this.at === null || this.at < from || this.at > to ? to : this.at
    this.at = Math.min(to, Math.max(from, start + by * (to - from)))
  }

  /** Arrow keys move it, with Shift ten times as far; Home and End go to the ends, Escape takes it away. True where the key was one of them. */
  key(e: KeyboardEvent, range: readonly [number, number]): boolean {
    if (e.ctrlKey || e.metaKey || e.altKey) return false
    const far = e.shiftKey ? 0.1 : 0.01
    switch (e.key) {
      case 'ArrowLeft': this.step(-far, range); return true
      case 'ArrowRight': this.step(far, range); return true
      case 'Home': this.at = range[0]; return true
      case 'End': this.at = range[1]; return true
      case 'Escape':
        if (this.at === null) return false
        this.at = null
        return true
      default: return false
    }
  }
}
