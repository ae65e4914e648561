import { onBeforeUnmount, shallowRef, watch, type ShallowRef } from 'vue'
import { onBeforeRouteLeave, useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useFill, type Fill } from './fill/use-fill'
import type { App, Data } from './model'

/** A new entry of an application: its form, kept as a draft or filed. */
export function useNew() {
  const route = useRoute()
  const router = useRouter()
  const key = String(route.params.key)
  const found = useQuery((signal) => ask(api.GET('/api/forms/apps/{key}', { params: { path: { key } }, signal })))
  const fill: ShallowRef<Fill | undefined> = shallowRef()
  watch(found.data, (app) => {
    if (app && !fill.value) fill.value = useFill({ app: app.app as unknown as App, rights: app.rights, data: app.begin as Data })
  })
  let leaving = false
  const unsaved = () => !leaving && (fill.value?.changed.value ?? false)
  const guard = (event: BeforeUnloadEvent) => unsaved() && event.preventDefault()
  window.addEventListener('beforeunload', guard)
  onBeforeUnmount(() => window.removeEventListener('beforeunload', guard))
  onBeforeRouteLeave(async () => !unsaved() || (await confirmDeed({ title: text('forms.leave'), words: text('forms.leaveWords'), verb: text('forms.leaveVerb'), danger: true })))

  async function send(draft: boolean) {
    const form = fill.value!
    try {
      const entry = await ask(api.POST('/api/forms/apps/{key}/entries', { params: { path: { key } }, body: { data: form.said(), draft } }))
      leaving = true
      announce('flow.boxes')
      toast(draft ? text('forms.draftKept') : text('forms.filed', [entry.number]))
      await router.replace(`/forms/entries/${entry.id}`)
    } catch (thrown) {
      form.refused(thrown as never)
      throw thrown
    }
  }
  const file = useAction(async () => {
    if (await fill.value!.check()) await send(false)
  })
  const keep = useAction(() => send(true))
  return { found, fill, file, keep }
}
