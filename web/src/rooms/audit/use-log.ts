import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'
import { narrow, noFilters, type Entry, type LogFilters } from './narrow'

/** The address at which the security administrator watches the auditors; all others show the whole log. */
const watching = '/audit/auditors'

/** The log, newest first, with its filters and the open record in the address (?record=). */
export function useLog() {
  const { locale } = useI18n()
  const auditors = useRoute().path === watching

  const list = useList<Entry, LogFilters>({
    filters: { ...noFilters },
    topics: ['audit'],
    load: ({ filters, cursor, limit, signal }) => {
      const query = { ...narrow(filters, new Date()), after: cursor || undefined, limit }
      return auditors ? ask(api.GET('/api/audit/auditors', { params: { query }, signal })) : ask(api.GET('/api/audit', { params: { query }, signal }))
    },
  })
  const actions = useQuery((signal) => ask(api.GET('/api/audit/actions', { signal })), [locale])

  const open = useAddress('record')
  const at = computed(() => list.items.value.findIndex((entry) => entry.id === open.value))

  /** Opens the record by steps below the open one, if it is on this page of the list. */
  function step(by: 1 | -1) {
    const next = at.value < 0 ? undefined : list.items.value[at.value + by]
    if (next) open.value = next.id
  }
  return {
    list, actions, auditors, open, step,
    opened: computed(() => list.items.value[at.value]),
    hasNewer: computed(() => at.value > 0),
    hasOlder: computed(() => at.value >= 0 && at.value < list.items.value.length - 1),
  }
}

/** What a page of the log works with. */
export type LogPage = ReturnType<typeof useLog>
