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
  /** Dots instead of a line. */
  dots?: boolean
}

export interface Band {
  from: number
  to: number
  label?: string
}

/** Seconds as m:ss for the time axis. */
export function minutes(s: number): string {
  const whole = Math.round(Math.abs(s))
  return `${s < -0.5 ? '\u2212' : ''}${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** The shown rows as comma separated values. */
export function csv(xLabel: string, x: readonly number[], series: readonly Series[], unit: string): string {
  const quote = (s: string): string => (/[",\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s)
  const head = [xLabel, ...series.map((s) => (unit ? `${s.label} (${unit})` : s.label))].map(quote).join(',')
  return [head, ...x.map((t, i) => [t, ...series.map((s) => s.y[i] ?? '')].join(','))].join('\n')
}
