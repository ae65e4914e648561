import { computed, onScopeDispose, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import { freshStep, type Library, type Schedule, type Step } from './model'

/** What is being written: a copy of the draft that stands at the server. */
export interface Writing {
  title: string
  kind: Library['kind']
  summary: string
  steps: Step[]
  schedule: Schedule
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** One library: its draft being written, what is wrong with it, and the deeds. */
export function useLibrary() {
  const { t } = useI18n()
  const id = String(useRoute().params.id)
  const router = useRouter()
  const library = useQuery<Library>((signal) => ask(api.GET('/api/theme/libraries/{id}', { params: { path: { id } }, signal })), [], { topics: ['theme.library'] })
  const draft = reactive<Writing>({ title: '', kind: 'theme', summary: '', steps: [], schedule: { every: '', at: '' } })
  const step = useAddress('step', '')
  const kept = ref('')

  function take(now: Library) {
    library.data.value = now
    Object.assign(draft, copy({ title: now.title, kind: now.kind, summary: now.summary, steps: now.steps, schedule: now.schedule ?? { every: '', at: '' } }))
    kept.value = JSON.stringify(draft)
    announce('theme')
  }
  const touched = computed(() => kept.value !== '' && JSON.stringify(draft) !== kept.value)
  watch(library.data, (now) => now && !touched.value && take(now))
  const leaving = (event: BeforeUnloadEvent) => touched.value && event.preventDefault()
  window.addEventListener('beforeunload', leaving)
  onScopeDispose(() => window.removeEventListener('beforeunload', leaving))

  const current = computed(() => draft.steps.find((one) => one.name === step.value) ?? draft.steps[0])
  const open = (name: string) => (step.value = name)
  function add() {
    const one = freshStep(draft.steps)
    draft.steps.push(one)
    step.value = one.name
  }
  async function drop(one: Step) {
    if (one.sql && !(await confirmDeed({ title: t('theme.step.dropTitle', [one.title || one.name]), words: t('theme.step.dropWords'), verb: t('theme.step.drop'), danger: true }))) return
    draft.steps.splice(draft.steps.indexOf(one), 1)
    step.value = ''
  }
  const save = useAction(async () => {
    const at = current.value ? draft.steps.indexOf(current.value) : -1
    take(await ask(api.PUT('/api/theme/libraries/{id}', { params: { path: { id } }, body: { ...copy(draft), version: library.data.value!.version } })))
    if (at >= 0) step.value = draft.steps[at]?.name ?? ''
    toast(t(library.data.value!.problems.length ? 'theme.savedFaulty' : 'theme.saved'))
  })
  const release = useAction(async () => {
    if (touched.value) await save.run()
    if (save.error.value) return
    const yes = await confirmDeed({ title: t('theme.releaseTitle', [draft.title]), words: t('theme.releaseWords'), verb: t('theme.release') })
    if (!yes) return
    take(await ask(api.POST('/api/theme/libraries/{id}/release', { params: { path: { id } }, body: { version: library.data.value!.version } })))
    toast(t('theme.released'))
  })
  const remove = useAction(async () => {
    const yes = await confirmDeed({ title: t('theme.removeTitle', [draft.title]), words: t('theme.removeWords'), verb: t('theme.remove'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/theme/libraries/{id}', { params: { path: { id }, query: { version: library.data.value!.version } } }))
    kept.value = ''
    announce('theme')
    toast(t('theme.removed'))
    await router.push('/theme')
  })
  const run = useAction(async () => {
    try {
      const begun = await ask(api.POST('/api/theme/libraries/{id}/run', { params: { path: { id } } }))
      announce('theme')
      await library.reload()
      return begun.id
    } catch (thrown) {
      toast(problemWords(thrown as Parameters<typeof problemWords>[0]), { tone: 'danger' })
      throw thrown
    }
  })
  const problems = computed(() => library.data.value?.problems ?? [])
  const of = (name: string) => problems.value.filter((one) => one.step === name)
  return { id, library, draft, step, current, touched, open, add, drop, save, release, remove, run, problems, of }
}

/** What the parts of the page work with. */
export type LibraryPage = ReturnType<typeof useLibrary>
