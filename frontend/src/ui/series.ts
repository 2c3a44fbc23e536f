/** What a time chart shows, apart from how it is drawn. */

export interface Series {
  label: string
  y: (number | null)[]
  /** A colour token, such as --d1. */
  color: string
  /** The value in the legend while no cursor is on the chart; the last known one when absent. */
  current?: string
  fill?: boolean
  dash?: boolean
  /** Marks instead of a line: filled dots, rings or crosses. */
  dots?: boolean | 'ring' | 'cross'
  /** Keeps its value until the next one, as a mean over a stage does. */
  steps?: boolean
}

export interface Band {
  from: number
  to: number
  label?: string
}

/** A moment with a number, drawn as a line with a flag. */
export interface Flag { at: number; n: number; bad?: boolean }

/** Seconds as m:ss for the time axis. */
export function minutes(s: number): string {
  const whole = Math.round(Math.abs(s))
  return `${s < -0.5 ? '\u2212' : ''}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** Rows as comma separated values; what is missing stays empty. */
export function csvOf(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const quote = (v: string | number | null): string => {
    const text = v === null ? '' : String(v)
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [head, ...rows].map((row) => row.map(quote).join(',')).join('\n')
}

/** The shown rows of a time chart as comma separated values. */
export function csv(xLabel: string, x: readonly number[], series: readonly Series[], unit: string): string {
  return csvOf([xLabel, ...series.map((s) => (unit ? `${s.label} (${unit})` : s.label))], x.map((t, i) => [t, ...series.map((s) => s.y[i] ?? null)]))
}
