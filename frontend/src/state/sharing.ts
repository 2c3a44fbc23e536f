import { saveBytes } from '../api'

/** Hands a card out: to the clipboard, or to a file where the person wants it. */

const TWICE = 2

/** The picture of an SVG document, twice as large in each direction so that it is sharp on any screen. */
async function pngOf(svg: string): Promise<Blob> {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = image.width * TWICE
  canvas.height = image.height * TWICE
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((done, fail) => canvas.toBlob((b) => (b ? done(b) : fail(new Error('The picture could not be drawn.'))), 'image/png'))
}

export type CardFormat = 'png' | 'svg'

export const sharing = {
  async copy(svg: string, format: CardFormat): Promise<void> {
    if (format === 'svg') return navigator.clipboard.writeText(svg)
    // The promise is handed over, not its value: some browsers let only what a press began write to the clipboard.
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': pngOf(svg) })])
  },
  /** The file that was written; empty when the dialog was closed. */
  async save(svg: string, format: CardFormat, title: string): Promise<string> {
    const blob = format === 'png' ? await pngOf(svg) : new Blob([svg], { type: 'image/svg+xml' })
    return saveBytes(blob, title, `inferometer.${format}`)
  },
}
