import { onScopeDispose, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { duration } from '@/base/time'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import { percent } from '../amounts'
import { busy, type Load } from '../states'
import { takeFresh } from './fresh'

const lookAgain = 1000 // milliseconds while a worker has it

/** One load: what it is, looked at each second while it is under way, and what may be done with it as a whole. */
export function useLoad() {
  const { t } = useI18n()
  const id = String(useRoute().params.id)
  const router = useRouter()
  const fresh = takeFresh(id) // has the sample rows, which are shown once
  const load = useQuery<Load>(
    (signal) => ask(api.GET('/api/library/loads/{id}', { params: { path: { id } }, signal })),
    [],
    { topics: ['library.load'] },
  )
  const looked = ref(fresh) // the last look at the file
  let timer: ReturnType<typeof setTimeout> | undefined
  watch([load.data, load.error], ([now]) => {
    clearTimeout(timer)
    if (now && busy(now.state)) timer = setTimeout(() => void load.reload(), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  /** Takes over what the server answered to a change, so that nothing is asked twice. */
  function take(now: Load) {
    load.data.value = now
    announce('library.loads')
  }
  const cancel = useAction(async () => {
    const yes = await confirmDeed({ title: t('library.load.cancelTitle'), words: t('library.load.cancelWords'), verb: t('library.load.cancel'), danger: true })
    if (yes) take(await ask(api.POST('/api/library/loads/{id}/cancel', { params: { path: { id } } })))
  })
  const discard = useAction(async (name: string) => {
    const yes = await confirmDeed({ title: t('library.load.discardTitle', [name]), words: t('library.load.discardWords'), verb: t('library.load.discard'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/library/loads/{id}', { params: { path: { id } } }))
    toast(t('library.load.discarded'))
    announce('library.loads')
    await router.push('/library')
  })
  const say = (deed: { error: { value: Parameters<typeof problemWords>[0] | null } }) => deed.error.value && toast(problemWords(deed.error.value), { tone: 'danger' })
  return {
    id, load, looked, take,
    busy: discard.busy,
    cancelling: cancel.busy,
    cancel: () => cancel.run().then(() => say(cancel)),
    discard: (name: string) => discard.run(name).then(() => say(discard)),
  }
}

/** What a page of a load works with. */
export type LoadPage = ReturnType<typeof useLoad>

/** How fast a load goes, from the answers while it is under way. */
export function usePace(now: () => Load) {
  const samples: { at: number; rows: number; bytes: number }[] = []
  const pace = ref({ rows: 0, left: '' })
  watch(now, (load) => {
    samples.push({ at: performance.now(), rows: load.rows, bytes: load.bytes })
    if (samples.length > 8) samples.shift()
    const [first, last] = [samples[0]!, samples.at(-1)!]
    const seconds = (last.at - first.at) / 1000
    if (seconds < 1.5) return
    const speed = (last.bytes - first.bytes) / seconds
    pace.value = { rows: (last.rows - first.rows) / seconds, left: speed > 0 && load.bytesAll > load.bytes ? duration(((load.bytesAll - load.bytes) / speed) * 1000) : '' }
  }, { immediate: true })
  return { pace, share: () => (now().bytesAll > 0 ? percent(now().bytes, now().bytesAll) : undefined) }
}
