import type { Kind, Name } from '@/kernel/rule/condition'
import type { Field, Option } from '../model'
import { zhOf } from './model'

const kinds: Partial<Record<Field['type'], Kind>> = {
  text: 'text', longtext: 'text', number: 'number', money: 'money', date: 'date', datetime: 'date', period: 'bool', person: 'party', unit: 'party', place: 'text', photo: 'list', file: 'list',
  table: 'list', signature: 'bool', resource: 'party', idcard: 'text', phone: 'text',
}
function kindOf(field: Field): Kind {
  if (field.type === 'choice') return field.many ? 'many' : 'choice'
  if (field.type === 'computed') return field.gives === 'text' ? 'text' : field.gives === 'date' ? 'date' : field.gives === 'money' ? 'money' : 'number'
  return kinds[field.type] ?? 'text'
}
const named = (options: Option[] | undefined) => (options ?? []).map((one) => ({ key: one.key, title: zhOf(one.title) }))

/** The names the conditions of an application may speak of, columns of a table first where one stands inside it. */
export function namesOf(fields: Field[], more: Name[] = [], columns: Field[] = []): Name[] {
  return [...columns, ...fields].map((field) => ({ name: field.key, title: zhOf(field.title) || field.key, kind: kindOf(field), options: field.type === 'choice' ? named(field.options) : undefined })).concat(more as never)
}
