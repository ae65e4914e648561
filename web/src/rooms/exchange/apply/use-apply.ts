import { shallowRef, watch, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { blank } from '../model'
import { useDraft, type Draft } from './use-draft'

/** A new application for an entry of the catalogue, or for a dataset. */
export function useApply() {
  const route = useRoute()
  const router = useRouter()
  const asked = { entry: String(route.query.entry ?? ''), dataset: String(route.query.dataset ?? '') }
  const source = useQuery((signal) => ask(api.GET('/api/exchange/source', { params: { query: { entry: asked.entry || undefined, dataset: asked.dataset || undefined } }, signal })), [], { when: () => asked.entry !== '' || asked.dataset !== '' })
  const draft: ShallowRef<Draft | undefined> = shallowRef()
  watch(source.data, (found) => found && (draft.value = useDraft(blank(found))))
  let made = { id: '', version: 0 }

  async function keep() {
    const body = draft.value!.said()
    const call = made.id
      ? api.PUT('/api/exchange/applications/{id}', { params: { path: { id: made.id } }, body: { ...body, version: made.version } })
      : api.POST('/api/exchange/applications', { body: { ...body, entry: asked.entry, dataset: asked.dataset } })
    const kept = await ask(call)
    made = { id: kept.id, version: kept.version }
    announce('exchange.applications')
    return kept
  }
  const save = useAction(async () => {
    const kept = await keep()
    toast(text('exchange.saved'))
    await router.replace(`/exchange/applications/${kept.id}`)
  })
  const file = useAction(async () => {
    const kept = await keep()
    const filed = await ask(api.POST('/api/exchange/applications/{id}/file', { params: { path: { id: kept.id } }, body: { version: kept.version } }))
    toast(text('exchange.filed', [filed.number]))
    announce('flow.boxes')
    await router.replace(`/exchange/applications/${kept.id}`)
  })
  return { source, draft, save, file, named: asked.entry !== '' || asked.dataset !== '' }
}
