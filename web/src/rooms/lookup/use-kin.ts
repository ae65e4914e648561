import { computed, reactive } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'

/** A person somebody has declared: himself or a relative. */
export type Kin = components['schemas']['LookupKin']
export const relations: Kin['relation'][] = ['self', 'spouse', 'parent', 'child', 'sibling', 'other']

/** What one has declared of oneself and one's relatives, so that a look at them is noticed. Typed numbers go once they are sent. */
export function useKin() {
  const all = useQuery((signal) => ask(api.GET('/api/lookup/kin', { signal })), [], { topics: ['lookup.kin'] })
  const items = computed(() => all.data.value?.items ?? [])
  /** One declares oneself once; the choice begins with what is missing. */
  const choices = computed(() => (items.value.some((kin) => kin.relation === 'self' && !kin.endedAt) ? relations.slice(1) : relations))
  const form = reactive<{ relation: Kin['relation'] | ''; number: string }>({ relation: '', number: '' })
  const relation = computed(() => (form.relation !== '' && choices.value.includes(form.relation) ? form.relation : (choices.value[0] ?? 'other')))
  const declare = useAction(async () => {
    await ask(api.POST('/api/lookup/kin', { body: { relation: relation.value, number: form.number.trim() } }))
    form.relation = ''
    form.number = ''
    announce('lookup.kin')
  })
  const withdraw = useAction(async (id: string) => {
    await ask(api.DELETE('/api/lookup/kin/{id}', { params: { path: { id } } }))
    announce('lookup.kin')
  })
  return { all, items, choices, form, relation, declare, withdraw }
}
