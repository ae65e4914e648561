import { computed, ref, shallowRef } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { Problem } from '@/base/problem'
import { useQuery } from '@/base/query'
import type { Choice } from '@/base/SelectInput.vue'
import { useSession } from '@/kernel/session'

/** A look as the ledger shows it. */
export type Entry = components['schemas']['LookupEntry']
/** What a detector noticed about a look. */
export type Mark = Entry['marks'][number]
export const marks: Mark[] = ['self', 'household', 'colleague', 'off_hours', 'no_case']

const day = 86_400_000
const begins = (date: string) => (date ? `${date}T00:00:00+08:00` : undefined)
const ends = (date: string) => (date ? new Date(Date.parse(`${date}T00:00:00+08:00`) + day).toISOString() : undefined)

/** The ledger of looks at what one's units answer for, with its filters in the address. */
export function useLedger() {
  const session = useSession()
  const list = useList<Entry, { dataset: string; person: string; from: string; until: string; revealed: string; batch: string; mark: string }>({
    filters: { dataset: '', person: '', from: '', until: '', revealed: '', batch: '', mark: '' },
    topics: ['lookup.ledger'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/lookup/ledger', { params: { query: { dataset: filters.dataset || undefined, person: filters.person || undefined, from: begins(filters.from), until: ends(filters.until), revealed: filters.revealed !== '', batch: filters.batch !== '', mark: filters.mark as '' | Mark | 'any', after: cursor || undefined, limit } }, signal })),
  })
  const mayList = computed(() => session.can('lookup.find'))
  const sources = useQuery((signal) => ask(api.GET('/api/lookup/datasets', { params: { query: { limit: 200 } }, signal })), [], { when: () => mayList.value })
  const datasets = computed(() => {
    const owned = (sources.data.value?.items ?? []).filter((source) => source.owned).map((source) => ({ id: source.id, title: source.title }))
    const seen = list.items.value.map((entry) => ({ id: entry.dataset, title: entry.title }))
    return [...new Map([...owned, ...seen].map((one) => [one.id, one.title]))].map(([value, label]) => ({ value, label }))
  })

  const people = shallowRef<Choice<string>[]>([])
  const searching = ref(false)
  async function search(words: string) {
    if (words.trim() === '') return
    searching.value = true
    try {
      const found = await ask(api.GET('/api/org/search', { params: { query: { q: words.trim() } } }))
      people.value = found.people.map((person) => ({ value: person.id, label: [person.name, person.unit].filter(Boolean).join(' · ') }))
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown
      people.value = [] // the next letter asks again
    } finally {
      searching.value = false
    }
  }
  const choices = computed(() => {
    const row = list.items.value.find((entry) => entry.person === list.filters.person)
    const all = people.value
    return list.filters.person && !all.some((one) => one.value === list.filters.person) ? [{ value: list.filters.person, label: row?.personName ?? list.filters.person }, ...all] : all
  })
  return { list, datasets, people: choices, search, searching }
}

/** What a page of the ledger works with. */
export type LedgerPage = ReturnType<typeof useLedger>
