import type { components } from '@/api.gen'

type Schemas = components['schemas']
/** A report in a list. */
export type ReportLine = Schemas['BurdenReportLine']
/** A report with all it says. */
export type Report = Schemas['BurdenReportBody']
/** What a department writes down. */
export type Form = Schemas['BurdenForm']
/** One question. */
export type Field = Schemas['BurdenField']
/** What is known of one field. */
export type Match = Schemas['BurdenMatch']
/** An item that may be what a field asks for. */
export type Proposal = Schemas['BurdenProposal']
/** A field of another report that asks the same. */
export type Same = Schemas['BurdenSame']
/** A proposal to share one collection. */
export type Share = Schemas['BurdenShare']
/** Whom a report may be sent to. */
export type Target = Schemas['BurdenTarget']
/** One sending of a report. */
export type Round = Schemas['BurdenRoundBody']
/** A sheet in a list. */
export type SheetLine = Schemas['BurdenSheetLine']
/** A sheet with its questions. */
export type Sheet = Schemas['BurdenSheetBody']
/** One value of a sheet. */
export type Cell = Schemas['BurdenCell']
/** A correction. */
export type Fix = Schemas['BurdenFix']
/** A report nobody approved. */
export type Tip = Schemas['BurdenTip']
/** What was asked and what became of it. */
export type Minutes = Schemas['BurdenMinutes']
/** One line of the meter. */
export type Metered = Schemas['BurdenMetered']

/** The sorts of fields, in the order they are offered. */
export const kinds = ['text', 'number', 'date', 'choice', 'id', 'phone', 'uscc', 'name', 'address', 'unit', 'street', 'code'] as const
/** How often a report is filled in. */
export const periods = ['once', 'monthly', 'quarterly', 'halfyear', 'yearly'] as const
/** The states of reports. */
export const states = ['draft', 'review', 'returned', 'approved', 'refused', 'stopped'] as const

/** How a report's state looks. */
export const stateLooks = {
  draft: { tone: 'info', shape: 'dash' },
  review: { tone: 'brand', shape: 'ring' },
  returned: { tone: 'warning', shape: 'diamond' },
  approved: { tone: 'success', shape: 'check' },
  refused: { tone: 'danger', shape: 'octagon' },
  stopped: { tone: 'info', shape: 'dash' },
} as const

/** How a sheet's state looks. */
export const sheetLooks = {
  todo: { tone: 'warning', shape: 'triangle' },
  filling: { tone: 'brand', shape: 'ring' },
  submitted: { tone: 'success', shape: 'check' },
  returned: { tone: 'danger', shape: 'octagon' },
} as const

/** How what is known of a field looks. */
export const matchLooks = {
  auto: { tone: 'success', shape: 'check' },
  row: { tone: 'info', shape: 'dash' },
  own: { tone: 'info', shape: 'circle' },
  held: { tone: 'danger', shape: 'octagon' },
  apply: { tone: 'warning', shape: 'triangle' },
  closed: { tone: 'info', shape: 'dash' },
  asked: { tone: 'warning', shape: 'diamond' },
  new: { tone: 'brand', shape: 'ring' },
} as const

/** Seconds as whole minutes; what takes less than half a minute is not nothing. */
export function minutes(seconds: number): number {
  return seconds > 0 ? Math.max(1, Math.round(seconds / 60)) : 0
}

/** Seconds as minutes with one digit behind the point, for what one unit spends. */
export function exact(seconds: number): string {
  return (Math.round(seconds / 6) / 10).toLocaleString()
}

/** How many of a hundred, whole. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((part / whole) * 100) : 0
}

/** A field nobody has written anything into. */
export function blank(all: readonly { key: string }[]): Field {
  let n = all.length + 1
  while (all.some((field) => field.key === `f${n}`)) n++
  return { key: `f${n}`, name: '', kind: 'number', choices: [], required: true, group: '', code: '', measure: '', note: '', who: '', seconds: 0, decide: '', entry: '', item: '', why: '', rowKey: false, entryName: '', final: '', refusal: '', other: '', otherKey: '' }
}

/** Whether the platform knows a field of every recipient by itself. */
export const automatic = (kind: string): boolean => kind === 'unit' || kind === 'street' || kind === 'code'

/** What a field would become as it is decided now. */
export function becomes(field: Field): 'hand' | 'prefill' | 'share' | 'struck' {
  if (field.final) return field.final
  if (automatic(field.kind) || field.decide === 'prefill') return 'prefill'
  if (field.decide === 'share' && field.other) return 'share'
  return 'hand'
}

/** Seconds a recipient is asked for, and those that stay, as the form stands. */
export function weigh(form: Form, usual: Record<string, number>): { asked: number; left: number } {
  let asked = 0
  let left = 0
  const rows = form.list ? Math.max(1, Number(form.expected) || 1) : 1
  for (const field of form.fields ?? []) {
    const n = (Number(field.seconds) || usual[field.kind] || 0) * rows
    asked += n
    if (becomes(field) === 'hand') left += n
  }
  return { asked, left }
}

/** How often a year. */
export const times = { once: 1, monthly: 12, quarterly: 4, halfyear: 2, yearly: 1 } as const
