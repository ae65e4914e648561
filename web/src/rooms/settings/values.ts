import type { components } from '@/api.gen'
import { text } from '@/base/i18n'

/** One setting as the server lists it. */
export type Setting = components['schemas']['SettingsItem']
/** The settings of one room. */
export type SettingGroup = components['schemas']['SettingsGroup']
/** What a setting may hold, by its type: bool, int, string, strings. */
export type SettingValue = boolean | number | string | string[]

/** A value in words: 开启, 30, the title of an option, the entries of a list; 未填写 for an empty one. */
export function valueWords(setting: Setting, value: unknown): string {
  if (typeof value === 'boolean') return text(value ? 'settings.on' : 'settings.off')
  if (typeof value === 'number') return value.toLocaleString('en')
  if (Array.isArray(value)) return value.length ? value.join(text('settings.comma')) : text('settings.empty')
  if (typeof value !== 'string' || value === '') return text('settings.empty')
  return setting.options.find((option) => option.value === value)?.title ?? value
}

/** The value as its control edits it: lists as one entry a line, all others as they are. */
export function toDraft(value: unknown): string | number | boolean {
  return Array.isArray(value) ? value.join('\n') : (value as string | number | boolean)
}

/** The value a control holds, as the server takes it. A list loses empty lines and spaces around entries. */
export function fromDraft(setting: Setting, draft: string | number | boolean): SettingValue {
  if (setting.type === 'strings') return String(draft).split('\n').map((line) => line.trim()).filter(Boolean)
  return setting.type === 'string' ? String(draft).trim() : draft
}

/** What is wrong with a value before it is sent, '' when nothing is. */
export function faultOf(setting: Setting, value: SettingValue): string {
  if (setting.type !== 'int') return ''
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= setting.min && value <= setting.max
  return fits ? '' : text('settings.range', [setting.min, setting.max])
}

/** Whether two values are the same. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
