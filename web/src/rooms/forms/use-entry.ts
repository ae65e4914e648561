import { computed, shallowRef, watch, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { StepForm } from '@/kernel/case/form'
import { useFill, type Fill } from './fill/use-fill'
import type { App, Data } from './model'

/** An entry: a draft to be filed, or the form of a case at the step the reader holds. */
export function useEntry() {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery((signal) => ask(api.GET('/api/forms/entries/{id}', { params: path(), signal })), [id], { topics: ['flow.case'] })
  const fill: ShallowRef<Fill | undefined> = shallowRef()
  let shown = ''
  watch(found.data, (entry) => {
    if (!entry) return
    const mark = `${entry.id} ${entry.version} ${JSON.stringify(entry.rights)}`
    if (mark === shown) return // the same state again: what is being typed stays
    shown = mark
    fill.value = useFill({ app: entry.declaration as unknown as App, rights: entry.rights, data: entry.data as Data, entry: entry.id, number: entry.declarationNumber })
  })
  const writing = computed(() => Boolean(found.data.value?.mayWrite))

  const form: StepForm = {
    check: async () => !writing.value || (await fill.value!.check()),
    values: () => (writing.value ? fill.value?.said() : undefined),
    refused: (problem) => fill.value?.refused(problem) ?? false,
  }
  const body = () => ({ data: fill.value!.said(), version: found.data.value!.version })
  const told = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } catch (thrown) {
      fill.value?.refused(thrown as never)
      throw thrown
    }
  }
  const save = useAction(async () => {
    await told(ask(api.PUT('/api/forms/entries/{id}/data', { params: path(), body: body() })))
    toast(text('forms.saved'))
    await found.reload()
  })
  const file = useAction(async () => {
    if (!(await fill.value!.check())) return
    const entry = await told(ask(api.POST('/api/forms/entries/{id}/file', { params: path(), body: body() })))
    toast(text('forms.filed', [entry.number]))
    announce('flow.boxes')
    await found.reload()
  })
  const drop = useAction(async () => {
    await ask(api.DELETE('/api/forms/entries/{id}', { params: { ...path(), query: { version: found.data.value!.version } } }))
    toast(text('forms.dropped'))
    await router.replace(`/forms/apps/${found.data.value!.app}`)
  })
  const reveal = async (place: string, reason: string) => (await ask(api.POST('/api/forms/entries/{id}/reveal', { params: path(), body: { path: place, reason } }))).value
  return { found, fill, form, writing, save, file, drop, reveal }
}
