import type { components } from '@/api.gen'
import { language } from '@/base/i18n'
import { exactTime } from '@/base/time'

type Schemas = components['schemas']
/** A text in both languages, or Chinese alone. */
export type Words = string | { zh: string; en?: string } | null | undefined
/** What a field holds; the names are those of the declaration. */
export type FieldType = Schemas['AppField']['type']
/** One option of a choice. */
export interface Option {
  key: string
  title: Words
}
/** A field of a declaration. */
export type Field = Omit<Schemas['AppField'], 'title' | 'hint' | 'section' | 'unit' | 'options' | 'fields'> & {
  title: Words
  hint?: Words
  section?: Words
  unit?: Words
  options?: Option[]
  fields?: Field[]
}
/** A declaration as the server gives it. */
export type App = Omit<Schemas['AppApp'], 'fields'> & { fields: Field[] }
/** Values by the keys of fields. */
export type Data = Record<string, unknown>
/** What may be done with a field: read unless it is named. */
export type Rights = Record<string, string>
/** One row of a list of entries. */
export type Row = Schemas['FormsEntryRow']
/** An entry as its page needs it. */
export type Entry = Schemas['FormsEntryBody']

/** A person, a unit or a reserved thing as a value holds it. */
export interface Party {
  id: string
  name: string
}
/** A place as a value holds it. lon and lat are degrees, CGCS2000. */
export interface Place {
  text?: string
  community?: string
  street?: string
  lon?: number
  lat?: number
}
/** A file or photo as a value holds it. */
export interface Attached {
  id: string
  name: string
  at?: string
  lon?: number
  lat?: number
}
/** From a moment until another, RFC 3339. */
export interface Period {
  from: string
  until: string
}

/** Words in the language of the page, Chinese where there are none. */
export function words(of: Words): string {
  if (!of) return ''
  if (typeof of === 'string') return of
  return (language() === 'en' && of.en) || of.zh
}

/** Whether a value counts as not given. */
export function empty(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value === 'string') return value.trim() === ''
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** Whether the server masks the value. */
export const masked = (field: Field): boolean => field.type === 'idcard' || field.type === 'phone' || Boolean(field.personal)

/** Fields that take the whole width. */
export const wide = (field: Field): boolean => ['longtext', 'table', 'photo', 'file', 'signature', 'place', 'resource', 'period'].includes(field.type) || (field.type === 'choice' && (field.options?.length ?? 0) > 6 && Boolean(field.many))

/** 分 as 元, with separators: 1234567 → 12,345.67. */
export function yuan(fen: unknown): string {
  return typeof fen === 'number' ? (fen / 100).toLocaleString('zh-CN', { minimumFractionDigits: 2, maximumFractionDigits: 2 }) : ''
}

/** 元 as it was typed → 分, undefined for what is no amount: at most two decimals. */
export function fen(typed: string): number | undefined {
  const clean = typed.replaceAll(/[,\s]/g, '')
  return /^-?\d{1,12}(\.\d{1,2})?$/.test(clean) ? Math.round(Number(clean) * 100) : undefined
}

/** The moment of a datetime-local input, civil time +08:00, as the server takes it. */
export const toMoment = (local: string): string => (local ? `${local.slice(0, 16)}:00+08:00` : '')

/** A moment for a datetime-local input. */
export const toLocal = (moment: unknown): string => (typeof moment === 'string' ? exactTime(moment).slice(0, 16).replace(' ', 'T') : '')

/** A value as a person reads it. Photos, files and tables are drawn by their own parts. */
export function show(field: Field, value: unknown): string {
  if (empty(value)) return ''
  const party = value as Party
  const moments = value as Period
  switch (field.type) {
    case 'money': return yuan(value)
    case 'number': return `${(value as number).toLocaleString('zh-CN', { maximumFractionDigits: field.digits ?? 0 })}${words(field.unit) ? ` ${words(field.unit)}` : ''}`
    case 'computed': return field.gives === 'money' ? yuan(value) : typeof value === 'number' ? value.toLocaleString('zh-CN', { maximumFractionDigits: 4 }) : String(value)
    case 'datetime': return exactTime(value as string).slice(0, 16)
    case 'period': return `${exactTime(moments.from).slice(0, 16)} – ${exactTime(moments.until).slice(0, 16)}`
    case 'choice': return (Array.isArray(value) ? (value as string[]) : [value as string]).map((key) => words(field.options?.find((one) => one.key === key)?.title)).filter(Boolean).join(language() === 'en' ? ', ' : '\u3001')
    case 'person': case 'unit': case 'resource': return party.name
    case 'place': return (value as Place).text ?? ''
    case 'text': case 'longtext': case 'date': case 'idcard': case 'phone': return String(value)
    default: return ''
  }
}

/** Fields under their headings, in order. */
export function sections(fields: Field[]): { title: string; fields: Field[] }[] {
  const all: { title: string; fields: Field[] }[] = []
  for (const field of fields) {
    const title = words(field.section)
    if (title || !all.length) all.push({ title, fields: [] })
    all.at(-1)!.fields.push(field)
  }
  return all
}

/** A level's place among the four of the design language, by its colour. */
export function tone(colour: string | undefined): 'success' | 'level-1' | 'level-2' | 'level-3' | 'level-4' {
  const known = { green: 'success', blue: 'level-1', yellow: 'level-2', orange: 'level-3', red: 'level-4' } as const
  return known[colour as keyof typeof known] ?? 'level-1'
}
