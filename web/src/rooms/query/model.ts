import type { components } from '@/api.gen'

type Schemas = components['schemas']

/** What a question came to. */
export type Answer = Schemas['QueryAnswer']
/** One column of an answer. */
export type Head = Schemas['QueryHead']
/** Where rows came from, down to the file. */
export type Source = Schemas['QuerySource']
/** A dataset that may be asked about. */
export type Table = Schemas['QueryTable']
/** One of its columns. */
export type Column = Schemas['QueryColumn']
/** A question put together in a form. */
export type Build = Schemas['QueryBuild']
/** What a saved question asks and how it is drawn. */
export type Plan = Schemas['QueryPlan']
/** How an answer is drawn. */
export type Chart = Schemas['QueryChart']
/** A value put in for "$name". */
export type Param = Schemas['QueryParam']
/** A saved question. */
export type SavedBody = Schemas['QuerySavedBody']
/** A run in the history. */
export type Line = Schemas['QueryLine']

/** A moment as it is typed, in civil time, for the server; nothing for now. */
export const moment = (typed: string) => (typed ? `${typed.length === 16 ? `${typed}:00` : typed}+08:00` : undefined)

/** A moment of the server as it is typed; empty for none. */
export const typed = (at: string | null | undefined) => (at ? new Date(Date.parse(at) + 8 * 3_600_000).toISOString().slice(0, 16) : '')

/** What a value is. */
export type Kind = Column['kind']

/** Whether a column's values are numbers. */
export const isNumber = (kind: Kind) => kind === 'integer' || kind === 'decimal'

/** A number without the zeros its scale adds; all else as it is. */
export function shown(value: string, kind: Kind): string {
  if (kind === 'decimal' && /\.\d*0$/.test(value)) return value.replace(/(\.\d\d\d*?)0+$/, '$1').replace(/\.00$/, '')
  return kind === 'datetime' ? value.replace(/ 00:00:00$/, '') : value
}

/** A chart of an answer nobody has chosen one for: the first column that is no number along the axis, numbers drawn. */
export function suggest(columns: Head[], rows: number): Chart {
  const numbers = columns.map((c, at) => (isNumber(c.kind) ? at + 1 : 0)).filter(Boolean)
  const x = columns.findIndex((c) => !isNumber(c.kind)) + 1
  if (numbers.length === 0) return { kind: 'table' }
  if (rows === 1 && x === 0) return { kind: 'number', series: numbers.slice(0, 6) }
  const kind = columns[x - 1]?.kind === 'date' || columns[x - 1]?.kind === 'datetime' ? 'line' : 'bar'
  return x === 0 ? { kind: 'table' } : { kind, x, series: numbers.slice(0, 6) }
}

/** The parameters a text uses: "$name" outside of quotes and comments. */
export function paramsIn(sql: string): string[] {
  const bare = sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
  return [...new Set([...bare.matchAll(/\$([\p{L}_][\p{L}\p{N}_]*)/gu)].map((m) => m[1]!))]
}
