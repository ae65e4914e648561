import { computed, reactive, ref } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { text } from '@/base/i18n'
import type { Line } from '../model'

/** The filters of the catalogue, as they stand in the address. */
export const blankFilters = { text: '', class: '', node: '', unit: '', cycle: '', share: '', level: '', open: '', mount: '', state: '' }

/** The facets in the order they are shown. */
export const facetOrder = ['node', 'unit', 'share', 'cycle', 'level', 'mount', 'open', 'state'] as const

const asked = (filters: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== ''))

/** The catalogue: its list with the filters in the address, what it can be narrowed by, the figures at its head, and up to three entries to compare. */
export function useCatalog() {
  const sort = ref<'' | 'data' | 'rows'>('')
  const list = useList<Line, typeof blankFilters>({
    filters: { ...blankFilters },
    limit: 20,
    topics: ['catalog'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/catalog/entries', { params: { query: { ...asked(filters), sort: sort.value || undefined, after: cursor || undefined, limit } as never }, signal })),
  })
  const facets = useQuery((signal) => ask(api.GET('/api/catalog/facets', { params: { query: asked(list.filters) as never }, signal })), [() => ({ ...list.filters })], { topics: ['catalog'] })
  const figures = useQuery((signal) => ask(api.GET('/api/catalog/figures', { signal })), [], { topics: ['catalog'] })
  const compared = reactive(new Map<string, Line>())

  function compare(line: Line): void {
    if (compared.has(line.id)) compared.delete(line.id)
    else if (compared.size === 3) toast(text('catalog.compare.most'))
    else compared.set(line.id, line)
  }
  const chosen = computed(() => Object.entries(list.filters).filter(([name, value]) => name !== 'text' && value !== ''))
  const exportHref = computed(() => `/api/catalog/entries.xlsx?${new URLSearchParams(asked(list.filters))}`)
  return {
    list, facets, figures, compared, compare, chosen, exportHref, sort,
    sortBy: (by: string) => {
      sort.value = by as '' | 'data' | 'rows'
      void list.query.reload()
    },
  }
}

/** What a page of the catalogue works with. */
export type CatalogPage = ReturnType<typeof useCatalog>
