import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import type { Metered } from '../model'

/** The ways to look at the burden. */
export const ways = ['street', 'community', 'sender', 'report'] as const
type Way = (typeof ways)[number]

/** The present month in Wuhan, YYYY-MM. */
const present = () => new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 7)

/** The meter: a span of months, one way of looking, narrowed by what was clicked. Everything stands in the address. */
export function useMeter() {
  const route = useRoute()
  const router = useRouter()
  const by = useAddress('by', 'street') as ReturnType<typeof useAddress>
  const span = useAddress('span', 'year')
  const street = useAddress('street')
  const unit = useAddress('unit')
  const sender = useAddress('sender')
  const report = useAddress('report')
  const name = useAddress('name')
  const months = computed(() => ({ from: span.value === 'month' ? present() : `${present().slice(0, 4)}-01`, to: present() }))
  const asked = computed(() => ({ by: by.value as Way, ...months.value, street: street.value || undefined, unit: unit.value || undefined, sender: sender.value || undefined, report: report.value || undefined }))
  const found = useQuery((signal) => ask(api.GET('/api/burden/meter', { params: { query: asked.value }, signal })), [asked])
  const file = computed(() => `/api/burden/meter.xlsx?${new URLSearchParams(Object.entries(asked.value).filter((one): one is [string, string] => Boolean(one[1]))).toString()}`)

  /** Opens a line: a street shows its communities, the others their reports, a report its communities. */
  function open(line: Metered) {
    const next = { street: { by: 'community', street: line.key }, community: { by: 'report', unit: line.key }, sender: { by: 'report', sender: line.key }, report: { by: 'community', report: line.key } }[by.value as Way]
    void router.push({ query: { ...route.query, ...next, name: line.name } })
  }
  const narrowed = computed(() => Boolean(street.value || unit.value || sender.value || report.value))
  const widen = () => void router.push({ query: { span: span.value === 'year' ? undefined : span.value } })
  return { by, span, name, found, file, open, narrowed, widen }
}
