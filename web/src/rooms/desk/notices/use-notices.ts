import { computed, ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { asProblem } from '@/base/problem'
import type { Choice } from '@/base/SelectInput.vue'
import { toast } from '@/base/toast'
import { problemWords } from '@/base/words'
import { useSession } from '@/kernel/session'
import type { Line } from '../use-desk'

type State = 'all' | 'unread' | 'must'

/** Notices addressed to the person; with managed, those he may edit. */
export function useNotices() {
  const session = useSession()
  const list = useList<Line, { state: string; text: string; unit: string; managed: string }>({
    filters: { state: '', text: '', unit: '', managed: '' },
    limit: 30,
    topics: ['desk', 'notify.unread'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/desk/notices', { params: { query: { state: (filters.state || 'all') as State, text: filters.text || undefined, unit: filters.unit || undefined, managed: filters.managed !== '', after: cursor || undefined, limit } }, signal })),
  })
  const { filters } = list
  const tabs = computed(() => ['', 'unread', 'must', ...(session.can('desk.publish') ? ['managed'] : [])])
  const tab = computed({
    get: () => (filters.managed ? 'managed' : filters.state),
    set: (to) => Object.assign(filters, { managed: to === 'managed' ? 'yes' : '', state: to === 'managed' ? '' : to }),
  })

  const found = shallowRef<Choice<string>[]>([])
  const searching = ref(false)
  async function search(words: string) {
    if (words.trim() === '') return
    searching.value = true
    try {
      found.value = (await ask(api.GET('/api/org/search', { params: { query: { q: words.trim() } } }))).units.map((unit) => ({ value: unit.id, label: unit.name }))
    } catch (thrown) {
      toast(problemWords(asProblem(thrown)), { tone: 'danger' })
    } finally {
      searching.value = false
    }
  }
  const units = computed(() => {
    const seen = list.items.value.map((line) => ({ value: line.unit.id, label: line.unit.name }))
    const own = filters.unit && ![...found.value, ...seen].some((one) => one.value === filters.unit) ? [{ value: filters.unit, label: filters.unit }] : []
    return [...new Map([...found.value, ...seen, ...own].map((one) => [one.value, one])).values()]
  })
  return { list, tabs, tab, units, search, searching }
}

/** What a page of notices works with. */
export type NoticesPage = ReturnType<typeof useNotices>
