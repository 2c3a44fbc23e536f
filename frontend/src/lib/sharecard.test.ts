import { describe, expect, it } from 'vitest'
import { cardSvg, escapeXml, fitted, widthOf, wrapped, type Card, type Palette } from './sharecard'

const palette: Palette = { bg: '#000', panel: '#111', line: '#222', band: '#333', fg1: '#fff', fg2: '#ccc', fg3: '#999', ok: '#0f0', err: '#f00', warn: '#ff0', runs: ['#00f', '#fa0'] }
const card = (more: Partial<Card> = {}): Card => ({
  headline: 'B is faster than A: +23 %', basis: '8 pairs', caution: '', lang: 'en',
  sides: [{ letter: 'A', name: 'Q8_0', more: 'llama-server', baseline: true }, { letter: 'B', name: 'Q4_K_M', more: '', baseline: false }],
  rows: [{ name: 'Decode speed', unit: 'tok/s', values: ['40.8', '50.3'], marks: [{ side: 1, at: 0.7, low: 0.65, high: 0.75, text: '+23 %', tone: 'ok' }] }],
  scale: { zero: 0.5, band: [0.48, 0.52], ticks: [{ at: 0.5, text: '0' }], title: 'better than A →' },
  facts: [{ name: 'Machine', value: 'AMD EPYC' }, { name: 'Engine', value: '' }], ...more,
})
const parse = (svg: string): Document => new DOMParser().parseFromString(svg, 'image/svg+xml')

describe('the card to share', () => {
  it('is one well-formed document of 1200 × 630 without anything from elsewhere', () => {
    const svg = cardSvg(card(), palette)
    const root = parse(svg).documentElement
    expect([root.tagName, root.getAttribute('width'), root.getAttribute('height')]).toEqual(['svg', '1200', '630'])
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|<image|<script|<foreignObject/)
    expect(root.textContent).toContain('AMD EPYC')
    expect(root.textContent).not.toContain('Engine')
  })
  it('shows hostile names as text', () => {
    const evil = '</text><script>alert(1)</script>"\'&\u0000\u001b\ud800'
    const doc = parse(cardSvg(card({ headline: evil, sides: [{ letter: 'A', name: evil, more: evil, baseline: true }], facts: [{ name: evil, value: evil }], lang: '"><x' }), palette))
    expect(doc.querySelector('parsererror')).toBeNull()
    expect(doc.querySelector('script,x')).toBeNull()
    expect(doc.querySelector('title')?.textContent).toBe('</text><script>alert(1)</script>"\'&')
    expect(escapeXml('a\u0000b😀\udc00')).toBe('ab😀')
  })
  it('cuts what is too long, between characters', () => {
    expect(fitted('short', 20, 500)).toBe('short')
    const long = '😀'.repeat(300)
    expect(fitted(long, 20, 200)).toMatch(/^(😀)+…$/u)
    expect(widthOf(fitted('x'.repeat(400), 20, 200), 20)).toBeLessThanOrEqual(200)
    const lines = wrapped('one two three four five six seven eight nine ten', 20, 120, 2)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/…$/)
    expect(wrapped('a\u00a0b', 20, 1, 2)).toHaveLength(1)
  })
  it('keeps all texts within the card however long the names are', () => {
    const name = 'a-very-long-model-name-'.repeat(20)
    const doc = parse(cardSvg(card({ headline: name, caution: name, basis: name, sides: Array.from({ length: 8 }, () => ({ letter: 'A', name, more: name, baseline: false })), facts: Array.from({ length: 8 }, () => ({ name: 'Engine', value: name })) }), palette))
    for (const node of doc.querySelectorAll('text')) {
      const size = Number(node.getAttribute('font-size'))
      const x = Number(node.getAttribute('x'))
      const wide = widthOf(node.textContent ?? '', size)
      const [from, to] = node.getAttribute('text-anchor') === 'end' ? [x - wide, x] : node.getAttribute('text-anchor') === 'middle' ? [x - wide / 2, x + wide / 2] : [x, x + wide]
      expect([from >= 0, to <= 1200, Number(node.getAttribute('y')) <= 630], node.textContent ?? '').toEqual([true, true, true])
    }
  })
  it('shows the figures of one run large', () => {
    const doc = parse(cardSvg(card({ scale: null, sides: [], rows: [{ name: 'Decode speed', unit: 'tok/s', values: ['40.8'], marks: [] }] }), palette))
    expect([...doc.querySelectorAll('text')].find((x) => x.textContent === '40.8')?.getAttribute('font-size')).toBe('52')
  })
})
