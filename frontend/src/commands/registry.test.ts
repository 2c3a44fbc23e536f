import { afterEach, describe, expect, it, vi } from 'vitest'
import { listen, registry, type Command } from './registry.svelte'

const stops: (() => void)[] = []
afterEach(() => {
  for (const s of stops.splice(0)) s()
  document.body.innerHTML = ''
})

function setup(keys: string, always = false): ReturnType<typeof vi.fn> {
  const run = vi.fn()
  const command: Command = { id: keys, label: keys, group: 'action', icon: 'play', keys, always, run }
  stops.push(registry.add(() => [command]), listen(window))
  return run
}

function press(key: string, more: KeyboardEventInit = {}, target: EventTarget = document.body): void {
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more }))
}

describe('shortcuts', () => {
  it('runs a chord', () => {
    const run = setup('Ctrl K', true)
    press('k')
    expect(run).not.toHaveBeenCalled()
    press('k', { ctrlKey: true })
    expect(run).toHaveBeenCalledOnce()
  })
  it('runs a sequence only when both keys come in order', () => {
    const run = setup('G H')
    press('h')
    press('g')
    press('x')
    press('h')
    expect(run).not.toHaveBeenCalled()
    press('g')
    press('h')
    expect(run).toHaveBeenCalledOnce()
  })
  it('leaves text fields alone unless the command always works', () => {
    const field = document.body.appendChild(document.createElement('input'))
    const plain = setup('R')
    press('r', {}, field)
    expect(plain).not.toHaveBeenCalled()
    const stop = setup('Ctrl .', true)
    press('.', { ctrlKey: true }, field)
    expect(stop).toHaveBeenCalledOnce()
  })
})
