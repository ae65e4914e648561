import { text } from '@/base/i18n'
import type { Entry } from './narrow'

const kinds: Record<string, string> = { system: 'audit.admin.system', security: 'audit.admin.security', audit: 'audit.admin.audit' }

/** Who acted, for people: the name, else the account, else the program itself. */
export function whoOf(entry: Entry): string {
  return entry.name || entry.account || text('audit.program')
}

/** Where somebody acted from: the kind of administrator, or the unit. '' for neither. */
export function placeOf(entry: Entry): string {
  const kind = kinds[entry.admin]
  return kind ? text(kind) : entry.unitName
}

/** What was acted upon: its name, else what kind of thing and which, as far as that says something to people. */
export function objectOf(entry: Entry): string {
  return entry.title || [entry.object, telling(entry.objectId)].filter(Boolean).join(' ')
}

/** An id made by a machine says nothing: only what people wrote, such as the name of a permission, is kept. */
const telling = (id: string): string => (/^[0-9a-z]{20,}$/.test(id) ? '' : id)

/** A value of a record's detail as one text; what has members is written as JSON. */
export function detailText(value: unknown): string {
  if (value === null || value === undefined || value === '') return text('audit.none')
  if (typeof value === 'boolean') return text(value ? 'audit.yes' : 'audit.no')
  if (Array.isArray(value) && value.every((v) => typeof v !== 'object')) return value.length ? value.join(text('audit.comma')) : text('audit.none')
  return typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)
}
