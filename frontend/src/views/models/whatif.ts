import { num, type Figure } from '../../lib/format'

/** Depths of context that a slider steps through: none, then doubling up to what the model holds. */
export function depths(most: number): number[] {
  const out = [0]
  for (let n = 128; n < most && n <= 1 << 20; n *= 2) out.push(n)
  if (most > 0) out.push(Math.min(most, 1 << 20))
  return out
}

/** The quantizations that people choose between. */
export const quants = ['Q2_K', 'Q3_K_M', 'IQ4_XS', 'Q4_0', 'Q4_K_M', 'Q5_K_M', 'Q6_K', 'Q8_0', 'F16'] as const

/** An end of a range: no digit that it does not have. */
export function speed(v: number | null | undefined): Figure {
  return { value: num(v, (v ?? 0) < 9.95 ? 1 : 0), unit: 'tok/s' }
}
