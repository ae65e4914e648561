import type { components } from '@/api.gen'
import type { Field, Words } from '../model'

type Schemas = components['schemas']
/** What is drawn: a declaration that may still be unfinished. */
export interface Draft {
  key: string
  title: Words
  summary: Words
  icon?: string
  group: Words
  start?: { roles?: string[] | null }
  private?: boolean
  subject: string
  place?: string
  unit?: string
  level?: string
  levels?: { key: string; title: Words; colour?: string }[] | null
  number: { prefix: string; per?: string; digits?: number; street?: boolean }
  limit?: Limit[] | null
  fields: Field[]
  list: { columns: string[] | null; filters?: string[] | null; sorts?: string[] | null }
  steps: Step[]
  roles?: Role[] | null
  resources?: Bookable[] | null
  stats?: Stat[] | null
  print?: Print
  reminders?: Reminder[] | null
  [other: string]: unknown
}
/** A time limit in one of the four units. */
export interface Limit {
  n: number
  unit: string
  when?: string
}
/** Who acts. */
export interface Who {
  kind: string
  id?: string
  of?: string
  level?: string
}
/** One way to finish a step. */
export interface Outcome {
  key: string
  title: Words
  agree?: boolean
  reason?: boolean
  choose?: string
  to?: string
  need?: string[] | null
}
/** One step. */
export interface Step {
  key: string
  title: Words
  who?: Who[] | null
  share?: string
  percent?: number
  when?: string
  each?: string
  copy?: Who[] | null
  outcomes?: Outcome[] | null
  limit?: Limit[] | null
  warn?: number[] | null
  escalate?: { percent: number; to: Who[]; do: string }[] | null
  opinion?: boolean
  batch?: boolean
  phrases?: string[] | null
  deny?: string[] | null
  write?: string[] | null
  need?: string[] | null
  hide?: string[] | null
  next?: string
  [other: string]: unknown
}
/** A role of the application's own. */
export interface Role {
  key: string
  title: Words
  read?: string
  clear?: boolean
}
/** One figure over entries. */
export interface Stat {
  key: string
  title: Words
  kind: string
  of?: string
  over?: string
  by?: string
  chart?: string
  gives?: string
}
/** A kind of thing that is reserved. */
export interface Bookable {
  key: string
  title: Words
  hold?: string
  items?: { key: string; title: string; note?: string; seats?: number }[] | null
  free?: { step: string; minutes: number }
}
/** The printed form. */
export interface Print {
  title?: Words
  note?: Words
  cells?: Cell[] | null
  signs?: { step: string; title: Words }[] | null
}
/** A field on the printed form. */
export interface Cell {
  field: string
  width?: string
  columns?: string[] | null
}
/** Tells people before or after a moment of the entry. */
export interface Reminder {
  key: string
  field: string
  hours: number
  when?: string
  to?: string[] | null
  text: Words
}
/** What is wrong with a draft. */
export type Finding = Schemas['FormsFindingLine']

/** The types of fields in the order they are offered. */
export const types = ['text', 'longtext', 'number', 'money', 'date', 'datetime', 'period', 'choice', 'person', 'unit', 'place', 'photo', 'file', 'table', 'signature', 'phone', 'idcard', 'computed', 'resource'] as const

/** What people may do at a step besides finishing it, and a step may forbid. */
export const deniable = ['return', 'transfer', 'add', 'extend', 'withdraw'] as const

/** The first key "name1", "name2", … that is not taken. */
export function freeKey(name: string, taken: string[]): string {
  let n = taken.length + 1
  while (taken.includes(`${name}${n}`)) n++
  return `${name}${n}`
}

/** Chinese words changed, the English ones kept. */
export function withZh(of: Words, zh: string): Words {
  return of && typeof of === 'object' && of.en ? { ...of, zh } : { zh }
}
export const zhOf = (of: Words): string => (typeof of === 'string' ? of : (of?.zh ?? ''))

/** all with the item at i moved by one place. */
export function moved<T>(all: T[], i: number, by: 1 | -1): T[] {
  const to = i + by
  if (to < 0 || to >= all.length) return all
  const next = [...all]
  ;[next[i], next[to]] = [next[to]!, next[i]!]
  return next
}

/** Options as one line each, "key title" or the title alone; a title that is there keeps its key. */
export function optionsOf(lines: string, before: { key: string; title: Words }[]): { key: string; title: Words }[] {
  const titles = lines.split('\n').map((line) => line.trim()).filter(Boolean)
  const used = before.filter((one) => titles.includes(zhOf(one.title))).map((one) => one.key)
  return titles.map((title) => {
    const known = before.find((one) => zhOf(one.title) === title)
    if (known) return known
    const key = freeKey('o', used)
    used.push(key)
    return { key, title: { zh: title } }
  })
}

/** Things as one line each; one whose title is there keeps what is known of it. */
export function itemsOf(lines: string, before: NonNullable<Bookable['items']>): NonNullable<Bookable['items']> {
  const keys = optionsOf(lines, before.map((one) => ({ key: one.key, title: one.title })))
  return keys.map((one) => before.find((old) => old.key === one.key) ?? { key: one.key, title: zhOf(one.title) })
}

/** Takes empty texts, lists and objects out, as the schema has no place for them. */
export function tidy<T>(value: T): T {
  if (Array.isArray(value)) return value.map((one) => tidy(one as unknown)) as T
  if (value === null || typeof value !== 'object') return value
  const out: Record<string, unknown> = {}
  for (const [key, one] of Object.entries(value)) {
    const clean = tidy(one as unknown)
    const gone = clean === null || clean === undefined || clean === '' || clean === false || (Array.isArray(clean) && !clean.length) || (typeof clean === 'object' && !Array.isArray(clean) && !Object.keys(clean as object).length)
    if (!gone) out[key] = clean
  }
  return out as T
}

/** A number of hours before (negative) or after a moment, as people say it: days where they are whole. */
export function spanOf(hours: number): { n: number; unit: 'hour' | 'day'; before: boolean } {
  const n = Math.abs(hours)
  return n >= 24 && n % 24 === 0 ? { n: n / 24, unit: 'day', before: hours < 0 } : { n, unit: 'hour', before: hours <= 0 }
}
export const hoursOf = (span: { n: number; unit: string; before: boolean }) => (span.before ? -1 : 1) * span.n * (span.unit === 'day' ? 24 : 1) || 0

/** Cells as they stand beside each other: rows of at most six sixths. */
export const shares: Record<string, number> = { '': 6, full: 6, half: 3, third: 2 }
export function lines<T extends { width?: string; whole?: boolean }>(cells: T[]): T[][] {
  const out: T[][] = []
  let used = 6
  for (const cell of cells) {
    const share = cell.whole ? 6 : (shares[cell.width ?? ''] ?? 6)
    if (used + share > 6) {
      out.push([])
      used = 0
    }
    out.at(-1)!.push(cell)
    used += share
  }
  return out
}
