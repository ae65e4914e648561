import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useSession } from '@/kernel/session'
import type { BatchItem, EntryItem, FeedItem, LinkItem, SourceItem } from './model'

const often = 5000 // milliseconds between two looks at what moves by itself

/** The peers with how the exchange with each stands. */
export function useNodes() {
  return useQuery((signal) => ask(api.GET('/api/cascade/nodes', { signal })), [], { topics: ['cascade'], every: often })
}

/** The account of one peer and what one can do about it. */
export function useAccount() {
  const { t } = useI18n()
  const route = useRoute()
  const id = computed(() => String(route.params.id))
  const account = useQuery((signal) => ask(api.GET('/api/cascade/nodes/{id}/account', { params: { path: { id: id.value } }, signal })), [id], { topics: ['cascade'], every: often })
  const run = useAction(async () => {
    await ask(api.POST('/api/cascade/nodes/{id}/run', { params: { path: { id: id.value } } }))
    announce('cascade')
    toast(t('cascade.asked'))
  })
  const resend = useAction(async (from: number) => {
    const node = account.data.value?.node.name ?? ''
    if (!(await confirmDeed({ title: t('cascade.resendTitle', [from, node]), words: t('cascade.resendWords'), verb: t('cascade.resend') }))) return
    const done = await ask(api.POST('/api/cascade/nodes/{id}/resend', { params: { path: { id: id.value } }, body: { from } }))
    announce('cascade')
    toast(t('cascade.resent', [done.again + done.anew]))
  })
  const sync = useAction(async () => {
    await ask(api.POST('/api/cascade/nodes/{id}/sync', { params: { path: { id: id.value } } }))
    announce('cascade')
    toast(t('cascade.sync.begun'))
  })
  return { account, run, resend, sync, mayRun: useSession().can('cascade.run') }
}

/** The batches in both directions. */
export function useBatches() {
  const list = useList<BatchItem, { node: string; way: string; state: string; kind: string }>({
    filters: { node: '', way: '', state: '', kind: '' },
    topics: ['cascade'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/cascade/batches', { params: { query: { node: filters.node, way: filters.way as 'in', state: filters.state as 'sent', kind: filters.kind as 'data', after: cursor || undefined, limit } }, signal })),
  })
  const nodes = useNodes()
  const names = computed(() => Object.fromEntries((nodes.data.value?.items ?? []).map((node) => [node.id, node.name])))
  return { list, nodes, names, open: ref<BatchItem>() }
}

/** What a page of batches works with. */
export type BatchesPage = ReturnType<typeof useBatches>

/** Entries that lower nodes have reported here. */
export function useEntries() {
  return useList<EntryItem, { text: string; state: string }>({
    filters: { text: '', state: '' },
    topics: ['cascade'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/cascade/entries', { params: { query: { text: filters.text, state: filters.state as 'accepted', after: cursor || undefined, limit } }, signal })),
  })
}

/** Own entries on their way up, with sending one again. */
export function useLinks() {
  const { t } = useI18n()
  const list = useList<LinkItem, { text: string; state: string }>({
    filters: { text: '', state: '' },
    topics: ['cascade'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/cascade/links', { params: { query: { text: filters.text, state: filters.state as 'accepted', after: cursor || undefined, limit } }, signal })),
  })
  const retry = useAction(async (link: LinkItem) => {
    await ask(api.POST('/api/cascade/links/retry', { body: { id: link.id } }))
    announce('cascade')
    toast(t('cascade.retried', [link.name]))
  })
  return { list, retry, mayRetry: useSession().can('cascade.run') }
}

/** Datasets given to lower nodes, and those that come from upper ones. */
export function useFeeds() {
  const { t } = useI18n()
  const feeds = useList<FeedItem, Record<string, never>>({ filters: {}, topics: ['cascade'], load: ({ cursor, limit, signal }) => ask(api.GET('/api/cascade/feeds', { params: { query: { after: cursor || undefined, limit } }, signal })) })
  const sources = useList<SourceItem, Record<string, never>>({ filters: {}, topics: ['cascade'], load: ({ cursor, limit, signal }) => ask(api.GET('/api/cascade/sources', { params: { query: { after: cursor || undefined, limit } }, signal })) })
  const stop = useAction(async (feed: FeedItem) => {
    if (!(await confirmDeed({ title: t('cascade.stopTitle', [feed.title]), words: t('cascade.stopWords', [feed.nodeName]), verb: t('cascade.stop'), danger: true }))) return
    await ask(api.POST('/api/cascade/feeds/{id}/stop', { params: { path: { id: feed.id } }, body: { version: feed.version } }))
    announce('cascade')
  })
  return { feeds, sources, stop, mayOffer: useSession().can('cascade.offer') }
}

/** The form that gives a dataset to a lower node. */
export function useOffer(done: () => void) {
  const { t } = useI18n()
  const form = reactive({ node: '', dataset: '', columns: [] as string[], purpose: '' })
  const nodes = useNodes()
  const lower = computed(() => (nodes.data.value?.items ?? []).filter((node) => node.role === 'lower'))
  const datasets = useQuery((signal) => ask(api.GET('/api/cascade/offerable', { params: { query: { limit: 200 } }, signal })))
  const chosen = computed(() => datasets.data.value?.items.find((one) => one.id === form.dataset))
  const choose = () => (form.columns = chosen.value?.columns.map((column) => column.name) ?? [])
  const save = useAction(async () => {
    await ask(api.POST('/api/cascade/feeds', { body: { ...form, filter: [] } }))
    announce('cascade')
    toast(t('cascade.offered'))
    done()
  })
  return { form, lower, datasets, chosen, choose, save }
}
