/** What only the window can do; in a browser each is absent. */

interface NativeBridge {
  OpenFile?(title: string, pattern: string): Promise<string>
}

function native(): NativeBridge {
  const w = globalThis as unknown as { go?: { app?: { Bridge?: NativeBridge } } }
  return w.go?.app?.Bridge ?? {}
}

export function canOpenFile(): boolean {
  return typeof native().OpenFile === 'function'
}

/** The path that a person chose in the system's dialog; empty when they closed it. */
export async function openFile(title: string, pattern: string): Promise<string> {
  return (await native().OpenFile?.(title, pattern)) ?? ''
}
