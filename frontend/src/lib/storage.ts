/** Values that survive leaving a screen or a restart of the page; a full or closed store is no error. */

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`inferometer.${key}`, JSON.stringify(value))
  } catch {
    // Private windows may refuse; the value then lives as long as the page.
  }
}

/** The remembered value when it passes the check, else the fallback. */
export function recall<T>(key: string, check: (v: unknown) => v is T, fallback: T): T {
  try {
    const raw = localStorage.getItem(`inferometer.${key}`)
    const value: unknown = raw === null ? undefined : JSON.parse(raw)
    return check(value) ? value : fallback
  } catch {
    return fallback
  }
}
