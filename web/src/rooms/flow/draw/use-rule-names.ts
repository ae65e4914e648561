import { computed } from 'vue'
import { has, text } from '@/base/i18n'
import type { Kind, Name } from '@/kernel/rule/condition'
import type { Process } from './model'
import type { Draw } from './use-draw'

const kinds: Record<string, Kind> = { number: 'number', text: 'text', bool: 'bool', time: 'date', list: 'list' }

/** The outcomes the steps of a drawing may end with, by their names. */
const outcomes = (p: Process) => [...new Map(p.nodes.flatMap((n) => n.task?.outcomes ?? []).map((one) => [one.key ?? '', { key: one.key ?? '', title: one.name || one.key || '' }])).values()]

/** The names conditions of a drawing may speak of: fields of the form by their titles, and what is known of every case. */
export function useRuleNames(draw: Draw) {
  return computed<Name[]>(() => {
    const view = draw.found.data.value
    const p = draw.process.value
    if (!view || !p) return []
    const fields = new Map(view.fields.map((field) => [field.key, field]))
    const types = new Map(view.values.map((one) => [one.name, one.type]))
    const out: Name[] = []
    for (const [name, field] of fields) {
      const kind = kinds[types.get(name) ?? '']
      if (!kind) continue
      const options = field.options?.length ? field.options.map((one) => ({ key: one.key, title: one.title })) : undefined
      const party = ['person', 'unit', 'resource'].includes(field.type)
      out.push({ name, title: field.title, kind: options ? (kind === 'list' ? 'many' : 'choice') : party ? 'party' : field.type === 'money' ? 'money' : kind, options })
    }
    if (outcomes(p).length) out.push({ name: 'outcome', title: text('flow.draw.fact.outcome'), kind: 'choice', options: outcomes(p) })
    for (const one of view.values) if (!fields.has(one.name) && one.name !== 'outcome' && has(`flow.draw.fact.${one.name}`) && kinds[one.type]) out.push({ name: one.name, title: text(`flow.draw.fact.${one.name}`), kind: kinds[one.type]! })
    return out
  })
}
