import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'
import type { Line } from './model'

/** How the datasets in one's reach stand, the worst first. */
export function useScores() {
  const list = useList<Line, { text: string; grade: string }>({
    filters: { text: '', grade: '' },
    limit: 30,
    topics: ['quality'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/quality/datasets', { params: { query: { text: filters.text || undefined, grade: (filters.grade || undefined) as 'best' | undefined, after: cursor || undefined, limit } }, signal })),
  })
  const figures = useQuery((signal) => ask(api.GET('/api/quality/figures', { signal })), [], { topics: ['quality'] })
  return { list, figures }
}
