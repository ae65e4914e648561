import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { Source } from './use-find'

/** The datasets one may look into, and which of them is chosen (?dataset=). What is looked for never stands in the address. */
export function useSources() {
  const route = useRoute()
  const router = useRouter()
  const list = useList<Source, { text: string }>({
    filters: { text: '' },
    limit: 100,
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/lookup/datasets', { params: { query: { text: filters.text, after: cursor || undefined, limit } }, signal })),
  })
  const wanted = computed(() => (typeof route.query.dataset === 'string' ? route.query.dataset : ''))
  const source = computed(() => list.items.value.find((one) => one.id === wanted.value && one.keys.length > 0))
  const choose = (id: string) => void router.push({ query: { ...route.query, dataset: id || undefined } })
  return { list, source, choose }
}
