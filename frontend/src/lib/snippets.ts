/** The same call in other words, ready to paste. */

export interface Call {
  method: string
  /** Absolute address. */
  url: string
  body?: unknown
  token?: boolean
}

/** A word of a POSIX shell. */
export function sh(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

export function curl(c: Call): string {
  const parts = [`curl -s ${sh(c.url)}`]
  if (c.method !== 'GET' && !(c.method === 'POST' && c.body !== undefined)) parts.push(`-X ${c.method}`)
  if (c.token) parts.push(`-H "Authorization: Bearer $INFEROMETER_TOKEN"`)
  if (c.body !== undefined) parts.push(`-H 'Content-Type: application/json'`, `-d ${sh(JSON.stringify(c.body))}`)
  return parts.join(' \\\n  ')
}

export function powershell(c: Call): string {
  const quote = (s: string): string => `'${s.replaceAll("'", "''")}'`
  const parts = [`Invoke-RestMethod ${quote(c.url)} -Method ${c.method}`]
  if (c.token) parts.push('-Headers @{ Authorization = "Bearer $env:INFEROMETER_TOKEN" }')
  if (c.body !== undefined) parts.push(`-ContentType 'application/json'`, `-Body ${quote(JSON.stringify(c.body))}`)
  return parts.join(' `\n  ')
}

/** A Python literal; JSON text differs from it in three words only. */
export function pyLiteral(v: unknown): string {
  if (v === null || v === undefined) return 'None'
  if (typeof v === 'boolean') return v ? 'True' : 'False'
  if (Array.isArray(v)) return `[${v.map(pyLiteral).join(', ')}]`
  if (typeof v === 'object') {
    return `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${pyLiteral(x)}`).join(', ')}}`
  }
  return JSON.stringify(v)
}

export function python(c: Call): string {
  const lines = ['import json, urllib.request', '']
  if (c.token) lines.splice(0, 1, 'import json, os, urllib.request')
  if (c.body !== undefined) lines.push(`body = ${pyLiteral(c.body)}`)
  const headers: string[] = []
  if (c.body !== undefined) headers.push('"Content-Type": "application/json"')
  if (c.token) headers.push('"Authorization": "Bearer " + os.environ["INFEROMETER_TOKEN"]')
  const args = [JSON.stringify(c.url), `method="${c.method}"`]
  if (c.body !== undefined) args.push('data=json.dumps(body).encode()')
  if (headers.length) args.push(`headers={${headers.join(', ')}}`)
  lines.push('request = urllib.request.Request(', ...args.map((a) => `    ${a},`), ')')
  lines.push('with urllib.request.urlopen(request) as answer:', '    print(json.load(answer))')
  return lines.join('\n')
}

export interface RunFlags {
  model: string
  endpoint?: string
  prompt?: string
  dataset?: string
  inputTokens?: string
  outputTokens?: string
  sharedPrefix?: number
  turns?: number
  prompts?: number
  maxTokens?: number
  temperature?: number
  topP?: number
  seed?: number
  noGPU?: boolean
  /** Without a chat template, or with one; undefined is as the model needs it. */
  raw?: boolean
  set?: string
  load?: string
  stages?: string[]
  depth?: string
  slo?: string
  requests?: number
  durationS?: number
  tokens?: number
  errors?: number
  confidence?: number
  warmup?: number
  cooldown?: number
  repeat?: number | string
  restS?: number
  restBelow?: number
  promptCache?: string
  name?: string
  tags?: string[]
}

/** The command line of a benchmark. */
export function commandLine(f: RunFlags): string {
  const out = [`inferometer run --model ${sh(f.model)}`]
  const flag = (name: string, v: string | number | undefined): void => {
    if (v !== undefined && v !== '') out.push(`--${name} ${sh(String(v))}`)
  }
  flag('endpoint', f.endpoint)
  flag('prompt', f.prompt)
  flag('dataset', f.dataset)
  flag('input-tokens', f.inputTokens)
  flag('output-tokens', f.outputTokens)
  flag('shared-prefix', f.sharedPrefix)
  flag('turns', f.turns)
  flag('prompts', f.prompts)
  flag('max-tokens', f.maxTokens)
  flag('temperature', f.temperature)
  flag('top-p', f.topP)
  flag('seed', f.seed)
  if (f.noGPU) out.push('--no-gpu')
  if (f.raw !== undefined) out.push(f.raw ? '--raw' : '--raw=false')
  flag('set', f.set)
  flag('load', f.load)
  for (const stage of f.stages ?? []) flag('stage', stage)
  flag('depth', f.depth)
  flag('slo', f.slo)
  flag('requests', f.requests)
  flag('duration', f.durationS === undefined ? undefined : `${f.durationS}s`)
  flag('tokens', f.tokens)
  flag('errors', f.errors)
  flag('confidence', f.confidence)
  flag('warmup', f.warmup)
  flag('cooldown', f.cooldown)
  flag('repeat', f.repeat)
  flag('rest', f.restS === undefined ? undefined : `${f.restS}s`)
  flag('rest-below', f.restBelow)
  flag('prompt-cache', f.promptCache)
  flag('name', f.name)
  for (const tag of f.tags ?? []) flag('tag', tag)
  return out.join(' \\\n  ')
}
