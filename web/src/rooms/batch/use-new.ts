import { computed, onScopeDispose, reactive, ref, shallowRef } from 'vue'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { asProblem, type Problem } from '@/base/problem'
import { announce } from '@/base/topics'
import { road } from '@/kernel/upload/road'
import { sendFile, type Progress } from '@/kernel/upload/send'
import { keepSamples } from './samples'
import type { Source } from './states'

/** What the list is held against and why, then the upload; the server checks every row before the run's page opens. */
export function useNew() {
  const router = useRouter()
  const list = useList<Source, { text: string }>({
    filters: { text: '' },
    limit: 100,
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/batch/datasets', { params: { query: { text: filters.text, after: cursor || undefined, limit } }, signal })),
  })
  const form = reactive({ dataset: '', purpose: '', basis: '' })
  const source = computed(() => list.items.value.find((one) => one.id === form.dataset))
  /** A standing grant says what for and on what law; both may be made more precise. */
  function choose(one: Source) {
    form.dataset = one.id
    form.purpose ||= one.grants[0]?.purpose ?? ''
    form.basis ||= one.grants[0]?.basis ?? ''
  }
  const ready = computed(() => source.value !== undefined && form.purpose.trim().length >= 4 && form.basis.trim().length >= 2)

  const state = ref<'idle' | 'sending' | 'waiting' | 'looking'>('idle')
  const failure = shallowRef<Problem | null>(null)
  const sent = reactive({ name: '', size: 0, received: 0 })
  let stop: AbortController | undefined
  async function send(file: File) {
    const mine = (stop = new AbortController())
    failure.value = null
    Object.assign(sent, { name: file.name, size: file.size, received: 0 })
    state.value = 'sending'
    try {
      const report = { progress: (at: Progress) => (sent.received = at.received), waiting: (problem: Problem | null) => (state.value = problem ? 'waiting' : 'sending') }
      const fileId = await sendFile(file, file.name, road, report, mine.signal)
      state.value = 'looking'
      const body = { fileId, dataset: form.dataset, purpose: form.purpose.trim(), basis: form.basis.trim() }
      const run = await ask(api.POST('/api/batch/runs', { body, signal: mine.signal }))
      keepSamples(run)
      announce('batch.runs')
      await router.replace(`/batch/${run.id}`)
    } catch (thrown) {
      if (!mine.signal.aborted) failure.value = asProblem(thrown)
    } finally {
      state.value = 'idle'
    }
  }
  onScopeDispose(() => stop?.abort())
  return { list, form, source, choose, ready, state, failure, sent, send, drop: () => stop?.abort() }
}

/** What the page of a new run works with. */
export type NewPage = ReturnType<typeof useNew>
