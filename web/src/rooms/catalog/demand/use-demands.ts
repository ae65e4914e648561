import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'
import type { DemandLine } from '../model'

/** The three lists (三清单) and what the caller raised himself. */
export const lists = ['demand', 'duty', 'negative', 'mine'] as const

/** The demands of the district, one of the lists at a time. */
export function useDemands() {
  const list = useList<DemandLine, { list: string; text: string }>({
    filters: { list: 'demand', text: '' },
    limit: 20,
    topics: ['catalog.demand', 'flow.boxes'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/catalog/demands', { params: { query: { list: (filters.list === 'mine' ? undefined : filters.list) as never, mine: filters.list === 'mine' || undefined, text: filters.text || undefined, after: cursor || undefined, limit } }, signal })),
  })
  const figures = useQuery((signal) => ask(api.GET('/api/catalog/demand-figures', { signal })), [], { topics: ['catalog.demand', 'flow.boxes'] })
  return { list, figures }
}
