import type { components } from '@/api.gen'
import { language } from '@/base/i18n'

/** A run with all that was found and decided. */
export type Run = components['schemas']['BatchRunBody']
/** A run in the history. */
export type RunLine = components['schemas']['BatchRunLine']
/** What a list may be held against. */
export type Source = components['schemas']['BatchSource']
/** What is asked of a list. */
export type Plan = components['schemas']['BatchPlan']
/** What a run answers with. */
export type Mode = Plan['mode']

export const modes: Mode[] = ['exists', 'fields', 'changed', 'counts']

/** How a run's state looks; its words are batch.state.<state>. */
export const looks = {
  draft: { tone: 'warning', shape: 'diamond' },
  queued: { tone: 'info', shape: 'circle' },
  running: { tone: 'brand', shape: 'ring' },
  done: { tone: 'success', shape: 'check' },
  failed: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
} as const

/** A worker has it, or soon will. */
export const busy = (state: Run['state']): boolean => state === 'queued' || state === 'running'

/** A count with separators. */
export const count = (n: number): string => n.toLocaleString(language())

/** A share as percent with one digit; never 100 before it is all. */
export function share(part: number, all: number): string {
  if (all <= 0) return '0%'
  const percent = (part / all) * 100
  return `${part < all ? Math.min(99.9, Math.round(percent * 10) / 10) : 100}%`
}

/** Which of the five steps a run stands at. */
export const stepOf = (state: Run['state']): number => ({ draft: 3, queued: 4, running: 4, done: 5, failed: 3, cancelled: 3 })[state]
