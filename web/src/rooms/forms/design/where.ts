import { has, text } from '@/base/i18n'
import { zhOf, type Draft } from './model'

/** Where something stands in a declaration, as the designer calls it: "fields[2].show" is a part, a name and a property. */
export function placeInWords(path: string, draft: Draft | undefined): string {
  const [top, ...rest] = path.split('.')
  const [, list, at] = /^([a-z]+)(?:\[(\d+)\])?$/.exec(top ?? '') ?? []
  if (!list) return '\u2013'
  const part = has(`forms.design.at.${list}`) ? text(`forms.design.at.${list}`) : list
  const item = at === undefined ? undefined : (draft?.[list] as { title?: unknown; text?: unknown }[] | undefined)?.[Number(at)]
  const name = item ? zhOf((item.title ?? item.text) as never) || String(Number(at) + 1) : ''
  const last = rest.at(-1)?.replace(/\[\d+\]$/, '')
  const property = last && has(`forms.design.at.${last}`) ? text(`forms.design.at.${last}`) : ''
  return [part, name, property].filter(Boolean).join(' \u203a ')
}
