import { computed, reactive, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'
import { asProblem } from './problem'
import { useQuery, type Query } from './query'

/** One page of a keyset list. next is the cursor of the following page, absent on the last. */
export interface Page<T> {
  items: T[] | null
  next?: string
  total?: number
}

/** What a page request says. */
export interface PageRequest<F> {
  filters: F
  sort: string // 'column' ascending, '-column' descending, '' the server's own order
  cursor: string
  limit: number
  signal: AbortSignal
}

/** Filters are strings, because they live in the address; '' means not filtered. */
export type Filters = Record<string, string>

/** A list as table and card views need it. */
export interface List<T, F extends Filters> {
  items: ComputedRef<T[]>
  total: ComputedRef<number | undefined>
  filters: F // write to it: the address and the rows follow
  sort: ComputedRef<string>
  sortBy: (sort: string) => void
  filtered: ComputedRef<boolean>
  clearFilters: () => void
  hasNext: ComputedRef<boolean>
  hasPrevious: ComputedRef<boolean>
  pageNumber: ComputedRef<number> // 1-based
  next: () => void // the following page
  previous: () => void
  more: () => Promise<void> // append the following page (phones)
  query: Query<Page<T>>
}

/** How a list is loaded. */
export interface ListOptions<T, F extends Filters> {
  load: (request: PageRequest<F>) => Promise<Page<T>>
  filters?: F // names and defaults
  sort?: string // default order
  limit?: number // rows a page, 50 unless told
  topics?: string[]
  addressless?: boolean // keep filters out of the address (a second list on one page)
}

/** A keyset-paged list whose filters and order stand in the address, so a view can be sent as a link. */
export function useList<T, F extends Filters = Filters>(options: ListOptions<T, F>): List<T, F> {
  const defaults = { ...(options.filters ?? ({} as F)) }
  const limit = options.limit ?? 50
  const filters = reactive({ ...defaults }) as F
  const order = shallowRef(options.sort ?? '')
  const cursors = shallowRef<string[]>(['']) // one a page visited; the last is the page shown
  const appended = shallowRef<T[]>([])
  const tail = shallowRef('') // cursor behind the last row shown
  if (!options.addressless) bindAddress(filters, defaults, order, options.sort ?? '')

  const cursor = computed(() => cursors.value.at(-1) ?? '')
  const ask = (at: string, signal: AbortSignal) => options.load({ filters: { ...filters }, sort: order.value, cursor: at, limit, signal })
  watch([filters, order], () => (cursors.value = ['']), { flush: 'sync' })

  const query = useQuery(
    async (signal) => {
      const page = await ask(cursor.value, signal)
      appended.value = []
      tail.value = page.next ?? ''
      return page
    },
    [cursor, () => ({ ...filters }), order],
    { topics: options.topics },
  )

  async function more(): Promise<void> {
    if (!tail.value || query.pending.value) return
    query.pending.value = true
    try {
      const page = await ask(tail.value, new AbortController().signal)
      appended.value = appended.value.concat(page.items ?? [])
      tail.value = page.next ?? ''
    } catch (thrown) {
      query.error.value = asProblem(thrown)
    } finally {
      query.pending.value = false
    }
  }

  return {
    items: computed(() => (query.data.value?.items ?? []).concat(appended.value)),
    total: computed(() => query.data.value?.total),
    filters,
    sort: computed(() => order.value),
    sortBy: (sort) => (order.value = sort),
    filtered: computed(() => Object.keys(defaults).some((name) => filters[name] !== defaults[name])),
    clearFilters: () => Object.assign(filters, defaults),
    hasNext: computed(() => tail.value !== ''),
    hasPrevious: computed(() => cursors.value.length > 1),
    pageNumber: computed(() => cursors.value.length),
    next: () => {
      if (tail.value) cursors.value = [...cursors.value, tail.value]
    },
    previous: () => (cursors.value = cursors.value.slice(0, Math.max(1, cursors.value.length - 1))),
    more,
    query,
  }
}

/** Keeps filters and order equal to the address: reads it now and on back/forward, writes it on change without a new history entry. */
function bindAddress(filters: Filters, defaults: Filters, order: ShallowRef<string>, defaultOrder: string): void {
  const route = useRoute()
  const router = useRouter()
  const path = route.path
  const read = () => {
    for (const name of Object.keys(defaults)) {
      const value = route.query[name]
      const wanted = typeof value === 'string' ? value : (defaults[name] ?? '')
      if (filters[name] !== wanted) filters[name] = wanted
    }
    const sort = typeof route.query.sort === 'string' ? route.query.sort : defaultOrder
    if (order.value !== sort) order.value = sort
  }
  const write = () => {
    const query: LocationQueryRaw = { ...route.query }
    for (const [name, value] of Object.entries(filters)) query[name] = value === defaults[name] ? undefined : value
    query.sort = order.value === defaultOrder ? undefined : order.value
    void router.replace({ path, query, hash: route.hash })
  }
  read()
  watch([filters, order], write)
  watch(() => route.query, () => route.path === path && read())
}
