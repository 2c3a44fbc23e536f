/** How typed values are read and checked. */

/** A fault of one field: the dictionary key of its message and the values in it. */
export interface Fault {
  key: 'range' | 'rangeAbove' | 'whole' | 'choose' | 'required' | 'order' | 'repeated' | 'trace' | 'depth' | 'stages'
  low?: number
  high?: number
}

export interface Limits {
  low: number
  high: number
  whole?: boolean
  /** The lower end itself is not allowed. */
  above?: boolean
  optional?: boolean
}

export type Faults = Record<string, Fault>

/** Reads what a person typed; a comma is a decimal mark too. Empty is undefined, nonsense is NaN. */
export function readNumber(typed: string): number | undefined {
  const clean = String(typed).trim().replace(',', '.')
  if (clean === '') return undefined
  return /^-?\d+(\.\d*)?$|^-?\.\d+$/.test(clean) ? Number(clean) : NaN
}

/** What is wrong with one typed number. */
export function faultOf(typed: string, l: Limits): Fault | null {
  const n = readNumber(typed)
  if (n === undefined) return l.optional ? null : { key: 'required' }
  if (Number.isNaN(n) || n < l.low || n > l.high || (l.above && n === l.low)) return { key: l.above ? 'rangeAbove' : 'range', low: l.low, high: l.high }
  return l.whole && !Number.isInteger(n) ? { key: 'whole' } : null
}

/** Collects faults under the JSON names of their fields. */
export class Checker {
  readonly faults: Faults = {}

  number(field: string, typed: string, l: Limits): void {
    this.add(field, faultOf(typed, l))
  }

  add(field: string, fault: Fault | null): void {
    if (fault) this.faults[field] ??= fault
  }
}

/** Numbers out of "1, 2, 4", "1 2 4" or "1..64" (doubled up to the end). The comma parts numbers here. */
export function readList(typed: string): string[] {
  return typed.split(/[\s;,]+/).filter(Boolean).flatMap((part) => {
    const range = /^(\d+)\.\.(\d+)$/.exec(part)
    if (!range) return [part]
    const out: string[] = []
    for (let n = Number(range[1]); n > 0 && n <= Number(range[2]) && out.length < 64; n *= 2) out.push(String(n))
    return out
  })
}
