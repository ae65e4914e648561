import { ref, watch } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { ApplicationLine, states } from './model'

/** Applications the reader sees: those of his unit, and those about its data. */
export function useApplications() {
  const list = useList<ApplicationLine, { view: string; state: string; text: string; late: string }>({
    filters: { view: '', state: '', text: '', late: '' },
    limit: 30,
    topics: ['exchange.applications', 'flow.boxes', 'flow.case'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(
        api.GET('/api/exchange/applications', {
          params: { query: { view: (filters.view || undefined) as 'mine' | undefined, state: (filters.state || undefined) as (typeof states)[number] | undefined, text: filters.text || undefined, late: filters.late === 'yes' || undefined, after: cursor || undefined, limit } },
          signal,
        }),
      ),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  return { list, typed }
}
