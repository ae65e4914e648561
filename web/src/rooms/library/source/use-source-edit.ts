import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { cleanSpec, type Source, type Spec } from './sources'

const emptyAPI = { url: '', header: '', rows: '', paging: '' as const, param: '', sizeBy: '', size: 0, first: 1, next: '', max: 0, pace: 0 }

/** A source being set up or changed: tried first, so that what is wrong is said before it is kept. */
export function useSourceEdit() {
  const { t } = useI18n()
  const router = useRouter()
  const id = String(useRoute().params.id ?? '')
  const form = reactive({ name: '', secret: '', spec: { kind: 'postgres', host: '', port: undefined, database: '', user: '', tls: '', path: '', hostKey: '', api: { ...emptyAPI } } as Spec & { api: NonNullable<Spec['api']> } })
  const was = ref<Source>()
  const found = ref<{ tables: number; millis: number }>()
  const loading = ref(id !== '')
  if (id) {
    void ask(api.GET('/api/library/sources/{id}', { params: { path: { id } } })).then((source) => {
      was.value = source
      form.name = source.name
      Object.assign(form.spec, source.spec, { port: source.spec.port || undefined, api: { ...emptyAPI, ...source.spec.api } })
      loading.value = false
    })
  }
  watch(() => [form.spec, form.secret], () => (found.value = undefined), { deep: true })
  const body = () => ({ name: form.name.trim(), spec: cleanSpec(form.spec), secret: form.secret })

  const attempt = useAction(async () => {
    found.value = undefined
    found.value = await ask(api.POST('/api/library/sources/try', { body: { ...body(), id } }))
  })
  const save = useAction(async () => {
    attempt.clear()
    const kept = id && was.value
      ? await ask(api.PUT('/api/library/sources/{id}', { params: { path: { id } }, body: { ...body(), version: was.value.version } }))
      : await ask(api.POST('/api/library/sources', { body: body() }))
    announce('library.sources')
    toast(t('library.source.saved', [kept.name]))
    await router.push(`/library/sources/${kept.id}`)
  })
  return {
    id, form, was, found, loading, attempt, save,
    problem: computed(() => save.error.value ?? attempt.error.value),
    working: computed(() => save.busy.value || attempt.busy.value),
  }
}
