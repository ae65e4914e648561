import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { DatasetLine } from './states'

/** The datasets the person may read, last updated first. */
export function useDatasets() {
  return useList<DatasetLine, { text: string }>({
    filters: { text: '' },
    limit: 30,
    topics: ['library.datasets'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/library/datasets', { params: { query: { text: filters.text, after: cursor || undefined, limit } }, signal })),
  })
}
