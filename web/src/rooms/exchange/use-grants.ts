import { ref, watch } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { GrantLine, standings } from './model'

/** Grants the reader sees: those his unit uses, and those of its data. */
export function useGrants() {
  const list = useList<GrantLine, { view: string; state: string; text: string }>({
    filters: { view: '', state: '', text: '' },
    limit: 30,
    topics: ['exchange.grants'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/exchange/grants', { params: { query: { view: (filters.view || undefined) as 'mine' | undefined, state: (filters.state || undefined) as (typeof standings)[number] | undefined, text: filters.text || undefined, after: cursor || undefined, limit } }, signal })),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  return { list, typed }
}
