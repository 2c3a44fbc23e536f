/** The few words that primitives need themselves; the shell sets them whenever the language changes. */
export interface UiWords {
  close: string
  copy: string
  copied: string
  retry: string
  copyDetails: string
  chartMenu: string
  asTable: string
  asChart: string
  copyCsv: string
  savePng: string
  time: string
  noValue: string
  noReadings: string
  /** A sentence that the program wrote, in the chosen language. */
  said: (text: string) => string
}

export const words = $state<UiWords>({
  close: 'Close', copy: 'Copy', copied: 'Copied', retry: 'Retry', copyDetails: 'Copy details', chartMenu: 'Chart menu',
  asTable: 'Show as table', asChart: 'Show as chart', copyCsv: 'Copy as CSV', savePng: 'Save as PNG', time: 'Time', noValue: 'not measured', noReadings: 'No readings yet', said: (text) => text,
})

export function setUiWords(w: UiWords): void {
  Object.assign(words, w)
}
