import { computed } from 'vue'
import { text } from '@/base/i18n'
import type { Name } from '@/kernel/rule/condition'
import { namesOf } from './names'
import { zhOf, type Draft } from './model'

/** The names conditions of a draft may speak of: its fields, and what is known of every entry. */
export function useNames(draft: () => Draft) {
  return computed(() => {
    const d = draft()
    const options = (all: { key: string; title: unknown }[] | null | undefined) => (all ?? []).map((one) => ({ key: one.key, title: zhOf(one.title as never) }))
    const states = ['open', 'suspended', 'closed', 'stopped'].map((key) => ({ key, title: text(`forms.state.${key}`) }))
    const more: Name[] = [
      { name: 'state', title: text('forms.design.fact.state'), kind: 'choice', options: states },
      { name: 'step', title: text('forms.design.fact.step'), kind: 'choice', options: options(d.steps) },
      { name: 'late', title: text('forms.design.fact.late'), kind: 'bool' },
      { name: 'hour', title: text('forms.design.fact.hour'), kind: 'number' },
      { name: 'begun', title: text('forms.design.fact.begun'), kind: 'date' },
    ]
    if (d.levels?.length) more.unshift({ name: 'level', title: text('forms.design.fact.level'), kind: 'choice', options: options(d.levels) })
    return namesOf(d.fields, more)
  })
}
