import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import type { Problem } from '@/base/problem'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { StepForm } from '@/kernel/case/form'
import { weigh, type Form, type Same } from '../model'

/** Whole numbers where somebody cleared a box. */
const whole = (form: Form): Form => ({ ...form, expected: Math.max(0, Math.trunc(Number(form.expected) || 0)), fields: (form.fields ?? []).map((field) => ({ ...field, seconds: Math.max(0, Math.trunc(Number(field.seconds) || 0)) })) })

/** A report: a draft, one that was returned, or one whose check is under way or done. */
export function useReport() {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery((signal) => ask(api.GET('/api/burden/reports/{id}', { params: path(), signal })), [id], { topics: ['flow.case', 'burden.report'] })
  const matches = useQuery((signal) => ask(api.GET('/api/burden/reports/{id}/matches', { params: path(), signal })), [() => found.data.value?.version], { when: () => found.data.value !== undefined })
  const rule = useQuery((signal) => ask(api.GET('/api/burden/rule', { signal })))
  const draft = ref<Form>()
  const problem = shallowRef<Problem | null>(null)
  const verdict = reactive({ struck: {} as Record<string, string>, exempt: {} as Record<string, boolean> })
  const checking = computed(() => found.data.value?.steps.includes('check') ?? false)
  let shown = ''
  let kept = ''
  watch(found.data, (now) => {
    const mark = now ? `${now.id} ${now.version}` : ''
    if (!now || mark === shown) return
    shown = mark
    draft.value = now.mayEdit ? (JSON.parse(JSON.stringify(now.form)) as Form) : undefined
    kept = JSON.stringify(draft.value)
  })
  const dirty = computed(() => draft.value !== undefined && JSON.stringify(draft.value) !== kept)
  const weight = computed(() => weigh(draft.value ?? found.data.value?.form ?? { title: '', period: 'once', level: 'community' }, rule.data.value?.seconds ?? {}))

  async function write() {
    problem.value = null
    const saved = await ask(api.PUT('/api/burden/reports/{id}', { params: path(), body: { form: whole(draft.value!), version: found.data.value!.version } }))
    await found.reload()
    return saved
  }
  const save = useAction(async () => {
    await write()
    toast(text('burden.saved'))
  })
  const file = useAction(async () => {
    const saved = await write()
    const filed = await ask(api.POST('/api/burden/reports/{id}/file', { params: path(), body: { version: saved.version } }))
    toast(text('burden.filed', [filed.number]))
    announce('flow.boxes')
    announce('burden.report')
  })
  const drop = useAction(async () => {
    if (!(await confirmDeed({ title: text('burden.dropTitle', [found.data.value!.title]), verb: text('burden.drop'), danger: true }))) return
    await ask(api.DELETE('/api/burden/reports/{id}', { params: { ...path(), query: { version: found.data.value!.version } } }))
    toast(text('burden.dropped'))
    await router.replace('/burden')
  })
  const propose = useAction(async (field: string, same: Same) => {
    if (dirty.value) await write()
    await ask(api.POST('/api/burden/reports/{id}/shares', { params: path(), body: { field, other: same.report, otherField: same.field } }))
    toast(text('burden.proposed', [same.unitName]))
    announce('burden.shares')
    await found.reload()
  })
  const form: StepForm = {
    check: async () => {
      if (!draft.value) return true
      await save.run()
      return save.error.value === null
    },
    values: () => (checking.value ? { struck: Object.entries(verdict.struck).map(([key, reason]) => ({ key, reason })), exempt: Object.keys(verdict.exempt).filter((key) => verdict.exempt[key]) } : undefined),
    refused: (said) => {
      problem.value = said
      return draft.value !== undefined || checking.value
    },
  }
  const wrong = computed(() => problem.value ?? file.error.value ?? save.error.value ?? drop.error.value ?? propose.error.value)
  return { found, matches, rule, draft, dirty, weight, verdict, checking, wrong, form, save, file, drop, propose }
}
