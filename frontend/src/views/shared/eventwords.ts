import { said, t, tOr } from '../../i18n'
import { difference, duration, gb, mhz, percent, text } from '../../lib/format'
import { toneOf, type EventKind, type Numbered } from '../../lib/run/events'
import type { IconName, LaneMark } from '../../ui'
import { errorName } from '../detail/outcomes'
import { heldWords, phaseName } from './words'

/** Events in words, the same for the marks of the lane and for its list. */

export interface EventView extends LaneMark { kind: EventKind; icon: IconName }

export interface EventContext {
  gpus: number
  /** The name of a stage. */
  stage: (index: number, name: string) => string
  /** What a stage reached; empty while it is under way. */
  reached?: (index: number) => string
}

const icons: Partial<Record<EventKind, IconName>> = {
  phase: 'info', stage: 'flag', throttle: 'gauge', clock: 'gauge', vram: 'memory', vram_other: 'memory', gpu_lost: 'circle-x', cpu_shared: 'cpu', interference: 'cpu',
  swap: 'disk', missed: 'timer', failures: 'circle-x', dropped: 'circle-x', behind: 'clock',
}

export function eventViews(events: readonly Numbered[], c: EventContext): EventView[] {
  return events.map((e) => ({ n: e.n, kind: e.kind, from: e.from, to: e.to, tone: toneOf(e), icon: icons[e.kind] ?? 'triangle-alert', title: titleOf(e, c), note: noteOf(e, c) }))
}

function titleOf(e: Numbered, c: EventContext): string {
  const gpu = c.gpus > 1 ? `GPU ${e.gpu ?? 0}` : 'GPU'
  const v = text(percent(e.value))
  switch (e.kind) {
    case 'phase': return t('events.began', { phase: phaseName((e.id ?? 'idle') as Parameters<typeof phaseName>[0]) })
    case 'stage': return t('events.stageBegan', { n: (e.value ?? 0) + 1, name: c.stage(e.value ?? 0, e.id ?? '') })
    case 'throttle': return t('events.throttle', { gpu, why: heldWords(e.id ?? '') })
    case 'clock': return t('events.clock', { gpu })
    case 'vram': return t('events.vram', { gpu })
    case 'vram_other': return t('events.vramOther', { gpu, v: text(gb(e.value)) })
    case 'gpu_shared': return t('events.gpuShared', { gpu, v })
    case 'gpu_lost': return t('events.gpuLost', { gpu })
    case 'cpu_shared': return t('events.cpuShared', { v })
    case 'interference': return t('events.interference', { process: e.id ?? '', v })
    case 'swap': return t('events.swap')
    case 'missed': return t('events.missed', { n: e.value ?? 0 })
    case 'failures': return t('events.failures', { n: e.value ?? 0, cls: errorName(e.id ?? '') })
    case 'dropped': return t('events.dropped', { n: e.value ?? 0 })
    case 'behind': return t('events.behind')
    case 'limit': return t('events.limit', { limit: tOr(`causes.${e.id}`, e.id ?? '') })
    case 'warning': return said(e.text)
  }
}

function noteOf(e: Numbered, c: EventContext): string {
  const lasted = e.from !== null && e.to !== null && e.to - e.from >= 0.5 ? t('events.lasted', { time: duration(e.to - e.from) }) : ''
  const join = (...parts: string[]): string => parts.filter(Boolean).join(' · ')
  switch (e.kind) {
    case 'stage': return c.reached?.(e.value ?? 0) ?? ''
    case 'throttle': case 'clock': return join(clocks(e), lasted)
    case 'vram': return join(e.before ? t('events.vramNote', { used: text(gb(e.value)), total: text(gb(e.before)) }) : '', lasted)
    case 'swap': return t('events.swapNote', { v: text(gb(e.value)) })
    case 'missed': return t('events.missedNote')
    case 'dropped': return t('events.droppedNote')
    case 'behind': return join(t('live.behindText'), lasted)
    case 'failures': case 'limit': return said(e.text)
    case 'warning': return t('events.whole')
    default: return lasted
  }
}

/** How far the clock fell; nothing where it kept its speed. */
function clocks(e: Numbered): string {
  const [before, now] = [e.before ?? null, e.value ?? null]
  return before === null || now === null || now > before * 0.995 ? '' : t('events.fromTo', { from: mhz(before).value, to: text(mhz(now)), share: difference(now / before) })
}
