import { computed, shallowRef, watch } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { Party } from '@/kernel/party/use-party-search'
import type { PersonItem } from './model'

/** What the address book is narrowed by: a unit ('below' with those under it), words, and who has left ('no'; 'all' both). */
export type PeopleFilters = { unit: string; below: string; q: string; active: string }

const states = ['yes', 'no', 'all'] as const

/** The address book. The unit stands in the address by its id; its name is asked for. */
export function usePeople() {
  const list = useList<PersonItem, PeopleFilters>({
    filters: { unit: '', below: '', q: '', active: 'yes' },
    topics: ['org.person', 'org.unit'],
    load: ({ filters, cursor, limit, signal }) => {
      const query = {
        unit: filters.unit || undefined,
        below: filters.unit !== '' && filters.below === 'yes',
        q: filters.q.trim() || undefined,
        active: states.find((state) => state === filters.active) ?? 'yes',
        after: cursor || undefined,
        limit,
      }
      return ask(api.GET('/api/org/people', { params: { query }, signal }))
    },
  })
  const named = shallowRef<Party | null>(null)
  const unit = computed<Party | null>({
    get: () => (named.value?.id === list.filters.unit ? named.value : list.filters.unit ? { id: list.filters.unit, name: '…', detail: '' } : null),
    set: (chosen) => {
      named.value = chosen
      Object.assign(list.filters, { unit: chosen?.id ?? '', below: chosen ? 'yes' : '' })
    },
  })

  watch(() => list.filters.unit, async (id) => {
    if (!id || named.value?.id === id) return
    try {
      const { name, path } = await ask(api.GET('/api/org/units/{id}', { params: { path: { id } } }))
      named.value = { id, name, detail: path.map((above) => above.name).join('/') }
    } catch {
      named.value = { id, name: id, detail: '' } // a unit that is gone: the empty list says so
    }
  }, { immediate: true })

  return { list, unit }
}

/** The address book as its views take it. */
export type PeoplePage = ReturnType<typeof usePeople>
