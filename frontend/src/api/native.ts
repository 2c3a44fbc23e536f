import { BASE, Problem } from './client'
import type { ProblemBody } from './types'

/** What only the window can do; in a browser each is absent. */

interface NativeBridge {
  OpenFile?(title: string, pattern: string): Promise<string>
  Export?(query: string, title: string, name: string): Promise<string>
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

/** Writes an export where the person wants it. The path, empty when they closed the dialog; null without a window. */
export async function saveExport(query: string, title: string): Promise<string | null> {
  const save = native().Export
  if (!save) return null
  const answer = JSON.parse(await save(query, title, 'inferometer-export')) as { status: number; body: unknown }
  if (answer.status >= 400) throw new Problem(answer.status, (answer.body ?? {}) as ProblemBody, 'GET', '/export')
  return typeof answer.body === 'string' ? answer.body : ''
}

/** Fetches an export in a browser and hands it to its downloads. */
export async function downloadExport(query: string): Promise<string> {
  const res = await fetch(`${BASE}/export?${query}`)
  if (!res.ok) throw new Problem(res.status, ((await res.json().catch(() => ({}))) ?? {}) as ProblemBody, 'GET', '/export')
  const name = /filename="?([^";]+)/.exec(res.headers.get('Content-Disposition') ?? '')?.[1] ?? 'inferometer-export'
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await res.blob())
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  return name
}
