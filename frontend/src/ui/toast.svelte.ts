/** The messages at the bottom right. Errors stay until they are closed; the rest leave by themselves. */
export interface ToastInput {
  title: string
  text?: string
  tone?: 'ok' | 'info' | 'err'
  action?: { label: string; run: () => void }
  /** A second thing to do, beside the first. */
  more?: { label: string; run: () => void }
  ms?: number
}

export interface ToastItem extends ToastInput {
  id: number
}

class Toasts {
  items = $state<ToastItem[]>([])
  private next = 1

  show(input: ToastInput): number {
    const id = this.next++
    this.items = [...this.items.slice(-3), { ...input, id }]
    const ms = input.ms ?? (input.tone === 'err' ? 0 : 6000)
    if (ms > 0) setTimeout(() => this.close(id), ms)
    return id
  }

  close(id: number): void {
    this.items = this.items.filter((t) => t.id !== id)
  }
}

export const toast = new Toasts()
