import { describe, expect, it } from 'vitest'
import { decimate } from './decimate'
import { estimate } from './estimate'
import { cacheBytes, fit } from './fit'
import { resolveLang } from './locale.svelte'
import { Ring } from './rings'
import { href, parseHash } from './router'
import { commandLine, curl, powershell, pyLiteral, python, sh } from './snippets'
import { Running } from './stats'
import { recall, remember } from './storage'
import { guessFormat, stem } from './textfile'

describe('ring', () => {
  it('keeps the newest rows and turns missing values into null', () => {
    const r = new Ring(2, 3)
    for (let t = 1; t <= 5; t++) r.push(t, [t * 10, t % 2 ? null : t])
    expect(r.rows()).toEqual([[3, 4, 5], [30, 40, 50], [null, 4, null]])
    expect(r.rows(4)).toEqual([[4, 5], [40, 50], [4, null]])
    expect(r.rows(-1, [1])).toEqual([[3, 4, 5], [null, 4, null]])
    expect([r.last, r.latest(0), r.latest(1), r.length]).toEqual([5, 50, null, 3])
  })
  it('ignores rows that a replay repeats', () => {
    const r = new Ring(1, 3)
    expect([r.push(1, [1]), r.push(1, [2]), r.push(0.5, [3]), r.push(NaN, [4])]).toEqual([true, false, false, false])
    expect(r.rows()).toEqual([[1], [1]])
    r.clear()
    expect([r.length, r.last]).toEqual([0, null])
  })
  it('refuses to be empty', () => expect(() => new Ring(0, 1)).toThrow(RangeError))
})

describe('decimate', () => {
  const xs = Array.from({ length: 1000 }, (_, i) => i)
  it('keeps every spike and the ends', () => {
    const ys = xs.map((x) => (x === 503 ? 99 : x === 777 ? -99 : 0))
    const [x, y] = decimate([xs, ys], 50)
    expect(x.length).toBeLessThanOrEqual(52)
    expect(y).toContain(99)
    expect(y).toContain(-99)
    expect(x[x.length - 1]).toBe(999)
    expect([...x].sort((a, b) => a - b)).toEqual(x)
  })
  it('keeps gaps', () => {
    const ys = xs.map((x) => (x > 400 && x < 600 ? null : 1))
    expect(decimate([xs, ys], 40)[1]).toContain(null)
  })
  it('leaves short data alone', () => {
    const data: [number[], (number | null)[]] = [[1, 2], [3, 4]]
    expect(decimate(data, 50)).toBe(data)
  })
})

describe('router', () => {
  it.each([['#/', 'home'], ['', 'home'], ['#/new', 'newbench'], ['#/welcome', 'firstrun'], ['#/live', 'live'], ['#/live/a', 'live'], ['#/runs/a', 'detail'], ['#/compare?runs=a,b', 'compare'], ['#/experiments/a', 'experiment']])(
    '%s is %s', (hash, name) => expect(parseHash(hash)?.name).toBe(name))
  it.each(['#/runs', '#/experiments', '#/compare/a', '#/nothing', '#/results/x', '#/runs/a/b'])('%s is no screen', (hash) => expect(parseHash(hash)).toBeNull())
  it('reads what it writes', () => {
    const made = href('newbench', '', { model: 'a b/ç?&=' })
    expect(parseHash(made)).toEqual({ name: 'newbench', id: '', query: { model: 'a b/ç?&=' } })
    expect(parseHash(href('detail', 'x/y z'))?.id).toBe('x/y z')
    expect(parseHash('#/runs/%E0%A4%A')?.id).toBe('%E0%A4%A')
  })
})

describe('fit', () => {
  const m = { sizeBytes: 5e9, layers: 36, heads: 32, kvHeads: 8, embedding: 4096, contextTokens: 4096, freeGB: 24 }
  it('adds weights, cache and buffers', () => {
    expect(cacheBytes(m)).toBe(2 * 2 * 36 * 8 * 128 * 4096)
    expect(fit(m).needGB).toBeCloseTo(5.754, 2)
  })
  it.each([[24, 'fits'], [6, 'tight'], [5, 'no'], [null, 'unknown']])('with %s GB free: %s', (freeGB, state) => expect(fit({ ...m, freeGB }).state).toBe(state))
  it('does not know without a size', () => expect(fit({ ...m, sizeBytes: null }).state).toBe('unknown'))
})

describe('estimate', () => {
  const job = { requests: 10, durationS: null, maxTokens: 100, warmup: 1, users: 1 }
  it('knows nothing without a past run', () => expect(estimate(job, [])).toBeNull())
  it('adds warm-up and requests', () => {
    const e = estimate(job, [{ ttftMs: 1000, decode: 100 }])
    expect([e?.midS, e?.lowS, e?.from]).toEqual([22, 17.6, 1])
  })
  it('is bounded by the time limit, and shared by the users', () => {
    expect(estimate({ ...job, durationS: 3 }, [{ ttftMs: 0, decode: 100 }])?.midS).toBe(5)
    expect(estimate({ ...job, users: 5 }, [{ ttftMs: 0, decode: 100 }])?.midS).toBe(3)
    expect(estimate({ ...job, requests: null }, [{ ttftMs: 0, decode: 100 }])).toBeNull()
  })
})

describe('snippets', () => {
  const call = { method: 'POST', url: 'http://h/x', body: { p: "it's", on: true, none: null } }
  it('quotes for the shell', () => {
    expect(sh("it's")).toBe(`'it'\\''s'`)
    expect(sh('plain-1.2')).toBe('plain-1.2')
    expect(curl(call)).toContain(`-d '{"p":"it'\\''s"`)
    expect(curl({ method: 'DELETE', url: 'http://h/x' })).toContain('-X DELETE')
  })
  it('quotes for PowerShell', () => expect(powershell(call)).toContain(`"it''s"`))
  it('writes Python words', () => {
    expect(pyLiteral(call.body)).toBe(`{"p": "it's", "on": True, "none": None}`)
    expect(python({ ...call, token: true })).toContain('os.environ["INFEROMETER_TOKEN"]')
  })
  it('writes the command line', () => {
    const line = commandLine({ model: 'm', prompt: 'a b', noGPU: true, load: 'closed:4', durationS: 30, tags: ['x', 'y'] })
    expect(line.replaceAll(' \\\n  ', ' ')).toBe("inferometer run --model m --prompt 'a b' --no-gpu --load closed:4 --duration 30s --tag x --tag y")
  })
})

describe('small things', () => {
  it('keeps running extents', () => {
    const r = new Running()
    for (const v of [3, null, 1, 2]) r.add(v)
    expect(r.extent).toEqual({ now: 2, min: 1, avg: 2, max: 3, n: 3 })
    expect(new Running().extent.min).toBeNull()
  })
  it.each([
    ['a.csv', '', 'csv'], ['', '[{}]', 'json'], ['', '{"a":1}', 'jsonl'], ['', 'prompt\nx', 'csv'], ['a.json', '{"a":1}', 'json'], ['a.jsonl', 'broken', 'jsonl'], ['', '"one"\n"two"', 'jsonl'],
    ['x.json', '[\n {"id":"1","conversations": [{"from":"human"}]}]', 'sharegpt'], ['x.jsonl', '{"custom_id":"1","body":{"messages":[]}}', 'messages'],
    ['t.jsonl', '{"timestamp": 0, "input_length": 5}', 'trace'], ['x.jsonl', '{"prompt":"a"}\n{"messages":[]}', 'jsonl'], ['', '{"prompts":[]}', 'json'],
  ])('guesses the format of %s %s', (name, body, format) => expect(guessFormat(name, body)).toBe(format))
  it('names a dataset after its file', () => expect(stem('/a/b.c.jsonl')).toBe('b.c'))
  it('resolves the language', () => {
    expect([resolveLang('system', ['fr', 'pt-PT']), resolveLang('system', ['fr']), resolveLang('en', ['pt']), resolveLang('pt-BR', [])]).toEqual(['pt-BR', 'en', 'en', 'pt-BR'])
  })
  it('remembers only what passes the check', () => {
    const isNumber = (v: unknown): v is number => typeof v === 'number'
    remember('k', 5)
    expect(recall('k', isNumber, 1)).toBe(5)
    localStorage.setItem('inferometer.k', '{broken')
    expect(recall('k', isNumber, 1)).toBe(1)
  })
})
