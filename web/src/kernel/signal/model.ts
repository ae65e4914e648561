import type { components } from '@/api.gen'

type Schemas = components['schemas']
/** A signal as it is shown. */
export type Signal = Schemas['SignalBody']
/** An alarm in a list. */
export type AlarmLine = Schemas['SignalAlarmLine']
/** An alarm with its rule, data and history. */
export type AlarmFull = Schemas['SignalAlarmFull']
/** When a signal raises an alarm. */
export type Rule = Schemas['SignalRule']
/** One point of a chart. */
export type Point = Schemas['SignalPoint']

/** The four levels, grave to mild. */
export const levels = ['red', 'orange', 'yellow', 'blue'] as const
/** One of the four levels. */
export type Level = (typeof levels)[number]

/** How a level looks: in shape and colour, and a word beside it. */
export const levelLooks = {
  red: { tone: 'level-4', shape: 'octagon' },
  orange: { tone: 'level-3', shape: 'diamond' },
  yellow: { tone: 'level-2', shape: 'triangle' },
  blue: { tone: 'level-1', shape: 'circle' },
} as const

/** How an alarm's state looks. */
export const stateLooks = {
  raised: { tone: 'danger', shape: 'ring' },
  acknowledged: { tone: 'brand', shape: 'check' },
  shelved: { tone: 'info', shape: 'dash' },
  cleared: { tone: 'success', shape: 'check' },
} as const

/** A value with the decimals of its signal. */
export const written = (value: number, decimals: number) => value.toFixed(decimals)

/** The lines of a rule, grave to mild, upper side first. */
export function linesOf(rule: Rule): { level: Level; up: boolean; value: number }[] {
  const side = (lines: Rule['above'], up: boolean) => levels.flatMap((level) => (lines[level] === undefined ? [] : [{ level, up, value: lines[level]! }]))
  return [...side(rule.above, true), ...side(rule.below, false)]
}
