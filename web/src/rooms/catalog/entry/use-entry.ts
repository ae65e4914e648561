import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Entry } from '../model'

/** The parts of an entry's page. */
export type Tab = 'items' | 'elements' | 'versions' | 'mounts' | 'case'

/** One entry: what serves, its history, what is bound to it, and what its reader may do; the open part stands in the address. */
export function useEntry() {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery<Entry>((signal) => ask(api.GET('/api/catalog/entries/{id}', { params: path(), signal })), [id], { topics: ['catalog', 'flow.case'] })
  const tabs = computed<Tab[]>(() => ['items', 'elements', 'versions', 'mounts', ...(found.data.value?.case ? (['case'] as const) : [])])
  const word = useAddress('tab', '', true)
  const tab = computed<Tab>(() => tabs.value.find((one) => one === word.value) ?? (found.data.value?.running && found.data.value.serving > 0 && found.data.value.working > 0 ? 'versions' : 'items')) // who reviews a change sees first what changes

  /** Takes over what the server answered to a change. */
  function take(now: Entry, said: string): void {
    found.data.value = now
    toast(said)
    announce('catalog')
    announce('flow.boxes')
  }
  const now = () => found.data.value!
  const body = (reason: string) => ({ reason, version: now().version })
  const change = useAction(async (reason: string) => {
    take(await ask(api.POST('/api/catalog/entries/{id}/change', { params: path(), body: body(reason) })), text('catalog.deed.changeDone'))
    await router.push(`/catalog/entries/${id.value}/edit`)
  })
  const offline = useAction(async (reason: string) => take(await ask(api.POST('/api/catalog/entries/{id}/offline', { params: path(), body: body(reason) })), text('catalog.deed.offlineDone')))
  const restore = useAction(async (reason: string) => take(await ask(api.POST('/api/catalog/entries/{id}/restore', { params: path(), body: body(reason) })), text('catalog.deed.restoreDone')))
  const archive = useAction(async (reason: string) => take(await ask(api.POST('/api/catalog/entries/{id}/archive', { params: path(), body: body(reason) })), text('catalog.deed.archiveDone')))
  const submit = useAction(async () => take(await ask(api.POST('/api/catalog/entries/{id}/submit', { params: path(), body: { version: now().version } })), text('catalog.deed.submitDone')))
  const watchIt = useAction(async () => {
    await ask(api.PUT('/api/catalog/entries/{id}/watch', { params: path(), body: { on: !now().watching } }))
    toast(text(now().watching ? 'catalog.watch.offDone' : 'catalog.watch.onDone'))
    await found.reload()
  })
  const drop = useAction(async () => {
    const entry = now()
    const gone = entry.serving === 0
    const yes = await confirmDeed({ title: text('catalog.drop.title', [entry.name]), words: text(gone ? 'catalog.drop.words' : 'catalog.drop.wordsChange'), verb: text('catalog.drop.verb'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/catalog/entries/{id}/draft', { params: { ...path(), query: { version: entry.version } } }))
    toast(text('catalog.drop.done'))
    announce('catalog')
    if (gone) await router.replace('/catalog/mine')
    else await found.reload()
  })
  const deeds = { change, offline, restore, archive }
  return { id, found, tabs, tab, open: (to: Tab) => (word.value = to), take, submit, watchIt, drop, deeds, problem: computed(() => submit.error.value ?? drop.error.value ?? watchIt.error.value) }
}

/** What an entry's page works with. */
export type EntryPage = ReturnType<typeof useEntry>
/** The deeds that ask for a reason. */
export type Deed = keyof EntryPage['deeds']
