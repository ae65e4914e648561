import { computed, reactive, ref } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'

interface Reading { people: number; seen: number; read: number }
type Reader = { person: string; name: string; unit: { id: string; name: string }; seenAt: string | null; readAt: string | null }

/** How far a notice has been read. */
export function useReceipts() {
  const id = String(useRoute().params.id)
  const notice = useQuery((signal) => ask(api.GET('/api/desk/notices/{id}', { params: { path: { id } }, signal })))
  const receipts = useQuery((signal) => ask(api.GET('/api/desk/notices/{id}/receipts', { params: { path: { id } }, signal })))
  const must = computed(() => notice.data.value?.must ?? true)
  // Those with most outstanding come first; a district has hundreds of units.
  const text = ref('')
  const most = reactive({ now: 40, step: 40 })
  const matching = computed(() => (receipts.data.value?.units ?? []).filter((line) => line.unit.name.includes(text.value)))
  const shown = computed(() => matching.value.slice(0, most.now))
  const unit = ref<{ id: string; name: string }>()
  /** Whole percent of those who have answered; never 100 before the last one has. */
  function share(reading: Reading): number {
    const done = must.value ? reading.read : reading.seen
    if (reading.people === 0 || done >= reading.people) return 100
    return Math.min(99, Math.round((done / reading.people) * 100))
  }
  return { id, notice, receipts, must, share, unit, text, most, matching, shown, open: (to: { id: string; name: string }) => (unit.value = to) }
}

/** What the parts of the receipts work with. */
export type ReceiptsPage = ReturnType<typeof useReceipts>

/** Those of a unit who have not answered yet. */
export function useNames(page: ReceiptsPage, unit: string) {
  return useList<Reader, { state: string }>({
    addressless: true,
    filters: { state: 'unread' },
    limit: 100,
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/desk/notices/{id}/people', { params: { path: { id: page.id }, query: { unit, state: filters.state as 'unread' | 'opened' | 'read', after: cursor || undefined, limit } }, signal })),
  })
}
