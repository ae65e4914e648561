import type { components, operations } from '@/api.gen'
import { exactDate } from '@/base/time'

/** One record as the server lists it. */
export type Entry = components['schemas']['AuditItem']
/** What the server narrows the log by. */
export type Narrowed = NonNullable<operations['audit-get']['parameters']['query']>

/** What the log is narrowed by, as it stands in the address; '' is not narrowed. */
export type LogFilters = {
  period: string // '', 'today', '7', '30' (days) or 'own'
  from: string // civil time 2023-11-23T09:00, of the period 'own'
  to: string
  account: string
  person: string
  unit: string
  action: string
  object: string
  objectId: string
  result: string
  personal: string
  text: string
}

/** Nothing narrowed. */
export const noFilters: LogFilters = { period: '', from: '', to: '', account: '', person: '', unit: '', action: '', object: '', objectId: '', result: '', personal: '', text: '' }

const day = 86_400_000

/** A civil time of an input, 2023-11-23T09:00, as an instant at +08:00; undefined for none. */
export function instant(civil: string): string | undefined {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(civil) ? `${civil.slice(0, 16)}:00+08:00` : undefined
}

/** The first and the last instant of the period chosen; a period of n days counts today as one. */
export function spanOf(f: Pick<LogFilters, 'period' | 'from' | 'to'>, now: Date): { from?: string; to?: string } {
  if (f.period === 'own') return { from: instant(f.from), to: instant(f.to) }
  const days = f.period === 'today' ? 1 : Number(f.period)
  if (!days) return {}
  return { from: `${exactDate(new Date(now.getTime() - (days - 1) * day))}T00:00:00+08:00` }
}

/** The filters as the server takes them. */
export function narrow(f: LogFilters, now: Date): Narrowed {
  const given = Object.entries({ account: f.account.trim(), person: f.person, unit: f.unit, action: f.action, object: f.object, objectId: f.objectId, result: f.result, personal: f.personal, text: f.text.trim(), ...spanOf(f, now) })
  return Object.fromEntries(given.filter(([, value]) => value)) as Narrowed
}
