import { untrack } from 'svelte'
import type { IconName } from '../ui'

/** One action: the palette, the shortcuts and the list of keys all read it from here. */
export interface Command {
  id: string
  label: string
  group: 'go' | 'action' | 'screen'
  icon: IconName
  /** "Ctrl K", "G H" (one after the other) or "?". */
  keys?: string
  keywords?: string
  /** Works while a text field has the focus. */
  always?: boolean
  run: () => void
}

class Registry {
  private sources = $state.raw<(() => Command[])[]>([])

  /** All commands that make sense now; the screen's own come last. */
  get all(): Command[] {
    return this.sources.flatMap((s) => s())
  }

  /** Adds commands until the returned function is called. */
  add(source: () => Command[]): () => void {
    // Called in effects, which must not follow what they change here.
    this.sources = [...untrack(() => this.sources), source]
    return () => {
      this.sources = untrack(() => this.sources).filter((s) => s !== source)
    }
  }
}

export const registry = new Registry()

/** The key of an event as registry spells it: "Ctrl K", "?", "G". */
export function spell(e: KeyboardEvent): string {
  const key = e.key.length === 1 ? e.key.toUpperCase() : e.key
  return e.ctrlKey || e.metaKey ? `Ctrl ${key}` : key
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea,select,input:not([type=checkbox],[type=radio],[type=range])'))
}

function layerOpen(): boolean {
  return document.querySelector('[role=dialog][data-state=open],[role=menu][data-state=open],[role=listbox][data-state=open]') !== null
}

const SEQUENCE_MS = 1500

/** Runs commands by their keys until the returned function is called. */
export function listen(target: Window): () => void {
  let first = ''
  let firstAt = 0
  const onKey = (e: KeyboardEvent): void => {
    if (e.defaultPrevented || e.repeat || e.altKey || ['Control', 'Shift', 'Meta'].includes(e.key)) return
    const pressed = spell(e)
    const pair = performance.now() - firstAt < SEQUENCE_MS ? `${first} ${pressed}` : ''
    const free = !typing(e.target) && !layerOpen()
    const hit = registry.all.find((c) => c.keys && (c.keys === pressed || c.keys === pair) && (free || c.always))
    first = ''
    if (hit) {
      e.preventDefault()
      hit.run()
    } else if (free && registry.all.some((c) => c.keys?.startsWith(`${pressed} `) && !c.keys.startsWith('Ctrl'))) {
      first = pressed
      firstAt = performance.now()
    }
  }
  target.addEventListener('keydown', onKey)
  return () => target.removeEventListener('keydown', onKey)
}
