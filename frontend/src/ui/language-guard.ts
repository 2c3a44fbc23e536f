/**
 * uPlot formats with navigator.language when it is imported, and WebKitGTK reports "C" there under
 * LANG=C, which Intl refuses. Import this module before anything that draws.
 */
try {
  new Intl.NumberFormat(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
}
