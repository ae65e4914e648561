import { computed, onScopeDispose, ref, shallowRef, watch, type ShallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import type { Problem } from '@/base/problem'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { StepForm } from '@/kernel/case/form'
import { filling, type Filling } from '../model'
import { useDraft, type Draft } from './use-draft'

/** An application: a draft, one that was returned, or one under way with the form of the step the reader holds. */
export function useApplication() {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery((signal) => ask(api.GET('/api/exchange/applications/{id}', { params: path(), signal })), [id], { topics: ['flow.case', 'exchange.application'] })
  const draft: ShallowRef<Draft | undefined> = shallowRef()
  const terms = ref<Filling>()
  const problem = shallowRef<Problem | null>(null)
  const deciding = computed(() => found.data.value?.steps.some((step) => step === 'provide' || step === 'extended') ?? false)
  let shown = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(found.data, (now) => {
    clearTimeout(timer)
    // Granting is a moment's work of the program: look again until it is done.
    if (now && now.state === 'review' && now.holder === '') timer = setTimeout(() => announce('flow.case'), 700)
    const mark = now ? `${now.id} ${now.version} ${now.steps.join()}` : ''
    if (!now || mark === shown) return
    shown = mark
    draft.value = now.mayEdit ? useDraft(now.wish, now.phone, now.files.map(({ id: file, name }) => ({ id: file, name }))) : undefined
    terms.value = deciding.value ? filling(now.wish) : undefined
  })
  onScopeDispose(() => clearTimeout(timer))

  const save = useAction(async () => {
    problem.value = null
    await ask(api.PUT('/api/exchange/applications/{id}', { params: path(), body: { ...draft.value!.said(), version: found.data.value!.version } }))
    toast(text('exchange.saved'))
    await found.reload()
  })
  const file = useAction(async () => {
    problem.value = null
    const kept = await ask(api.PUT('/api/exchange/applications/{id}', { params: path(), body: { ...draft.value!.said(), version: found.data.value!.version } }))
    await found.reload()
    const filed = await ask(api.POST('/api/exchange/applications/{id}/file', { params: path(), body: { version: kept.version } }))
    toast(text('exchange.filed', [filed.number]))
    announce('flow.boxes')
    announce('exchange.application')
  })
  const drop = useAction(async () => {
    await ask(api.DELETE('/api/exchange/applications/{id}', { params: { ...path(), query: { version: found.data.value!.version } } }))
    toast(text('exchange.dropped'))
    await router.replace('/exchange')
  })
  const form: StepForm = {
    check: async () => {
      if (!draft.value) return true
      await save.run()
      return save.error.value === null
    },
    values: () => (deciding.value && terms.value ? { ...terms.value, days: Number(terms.value.days) || 0, quota: Number(terms.value.quota) || 0 } : undefined),
    refused: (said) => {
      problem.value = said
      return draft.value !== undefined || terms.value !== undefined
    },
  }
  return { found, draft, terms, deciding, problem, form, save, file, drop }
}
