import { onScopeDispose, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import { takeSamples } from './samples'
import { busy, type Run } from './states'

const lookAgain = 1000 // milliseconds while a worker has it

/** One run: looked at each second while it is under way, and what may be done with it as a whole. */
export function useRun() {
  const { t } = useI18n()
  const id = String(useRoute().params.id)
  const router = useRouter()
  const samples = ref(takeSamples(id))
  const run = useQuery<Run>((signal) => ask(api.GET('/api/batch/runs/{id}', { params: { path: { id } }, signal })), [], { topics: ['batch.run'] })
  let timer: ReturnType<typeof setTimeout> | undefined
  watch([run.data, run.error], ([now]) => {
    clearTimeout(timer)
    if (now && busy(now.state)) timer = setTimeout(() => void run.reload(), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  /** Takes over what the server answered to a change, so that nothing is asked twice. */
  function take(now: Run) {
    if (now.samples) samples.value = now.samples.map((row) => row ?? [])
    run.data.value = now
    announce('batch.runs')
  }
  const start = useAction(async () => {
    const version = run.data.value?.version ?? 0
    take(await ask(api.POST('/api/batch/runs/{id}/start', { params: { path: { id } }, body: { version } })))
  })
  const cancel = useAction(async () => {
    const yes = await confirmDeed({ title: t('batch.run.cancelTitle'), words: t('batch.run.cancelWords'), verb: t('batch.run.cancel'), danger: true })
    if (yes) take(await ask(api.POST('/api/batch/runs/{id}/cancel', { params: { path: { id } } })))
  })
  const discard = useAction(async () => {
    const yes = await confirmDeed({ title: t('batch.run.discardTitle'), words: t('batch.run.discardWords'), verb: t('batch.run.discard'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/batch/runs/{id}', { params: { path: { id } } }))
    announce('batch.runs')
    await router.push('/batch')
  })
  const say = (deed: { error: { value: Parameters<typeof problemWords>[0] | null } }) => deed.error.value && toast(problemWords(deed.error.value), { tone: 'danger' })
  return { id, run, samples, take, start, cancelling: cancel.busy, cancel: () => cancel.run().then(() => say(cancel)), discard: () => discard.run().then(() => say(discard)) }
}

/** What the page of a run works with. */
export type RunPage = ReturnType<typeof useRun>
