import { BASE, Problem } from './client'
import type { ProblemBody } from './types'

/** What only the window can do; in a browser each is absent. */

interface NativeBridge {
  OpenFile?(title: string, pattern: string): Promise<string>
  OpenFolder?(title: string): Promise<string>
  Export?(query: string, title: string, name: string): Promise<string>
  Support?(title: string): Promise<string>
  SavePicture?(title: string, name: string, base64: string): Promise<string>
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

export function canOpenFolder(): boolean {
  return typeof native().OpenFolder === 'function'
}

/** The folder that a person chose in the system's dialog; empty when they closed it. */
export async function openFolder(title: string): Promise<string> {
  return (await native().OpenFolder?.(title)) ?? ''
}

/** The path that the window has written to; empty when the person closed its dialog. */
function writtenTo(answer: string, path: string): string {
  const { status, body } = JSON.parse(answer) as { status: number; body: unknown }
  if (status >= 400) throw new Problem(status, (body ?? {}) as ProblemBody, 'GET', path)
  return typeof body === 'string' ? body : ''
}

/** Writes an export where the person wants it. The path, empty when they closed the dialog; null without a window. */
export async function saveExport(query: string, title: string): Promise<string | null> {
  const save = native().Export
  return save ? writtenTo(await save(query, title, 'inferometer-export'), '/export') : null
}

/** Writes what a report needs where the person wants it; as saveExport. */
export async function saveSupport(title: string): Promise<string | null> {
  const save = native().Support
  return save ? writtenTo(await save(title), '/support') : null
}

/** Fetches a file in a browser and hands it to its downloads. */
export async function download(path: string, otherwise: string): Promise<string> {
  const res = await fetch(BASE + path)
  if (!res.ok) throw new Problem(res.status, ((await res.json().catch(() => ({}))) ?? {}) as ProblemBody, 'GET', path)
  const name = /filename="?([^";]+)/.exec(res.headers.get('Content-Disposition') ?? '')?.[1] ?? otherwise
  return handOut(await res.blob(), name)
}

function handOut(blob: Blob, name: string): string {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  return name
}

/** Writes a picture: in the window where the person wants it, in a browser to its downloads. The path; empty when they closed the dialog. */
export async function saveBytes(blob: Blob, title: string, name: string): Promise<string> {
  const save = native().SavePicture
  if (!save) return handOut(blob, name)
  const bytes = new Uint8Array(await blob.arrayBuffer())
  let text = ''
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return writtenTo(await save(title, name, btoa(text)), '/picture')
}

/** Fetches an export in a browser and hands it to its downloads. */
export const downloadExport = (query: string): Promise<string> => download(`/export?${query}`, 'inferometer-export')
