import { computed, onScopeDispose, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { problemWords } from '@/base/words'
import { percent } from '../amounts'

export type Keys = components['schemas']['LibraryKeysOutBody']
export type Key = components['schemas']['LibraryKeyLine']
export type Run = components['schemas']['LibraryRekeep']

const lookAgain = 1000 // milliseconds while a run is under way

/** Whether a worker has the run, or soon will. */
export const under = (run: Run | undefined) => run?.state === 'queued' || run?.state === 'running'

/** How far a run is, undefined before it knows. */
export const share = (run: Run) => (run.state === 'running' && run.total > 0 ? percent(run.done, run.total) : undefined)

/** The keys identifiers are sealed under, what stands on each, and the runs that seal anew. */
export function useKeys() {
  const { t } = useI18n()
  const keys = useQuery<Keys>((signal) => ask(api.GET('/api/library/keys', { signal })))
  const running = computed(() => keys.data.value?.runs.find((run) => under(run)))
  let timer: ReturnType<typeof setTimeout> | undefined
  watch([keys.data, keys.error], () => {
    clearTimeout(timer)
    if (running.value) timer = setTimeout(() => void keys.reload(), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  const rotate = useAction(async () => {
    if (!(await confirmDeed({ title: t('library.keys.rotateTitle'), words: t('library.keys.rotateWords'), verb: t('library.keys.rotate') }))) return
    keys.data.value = await ask(api.POST('/api/library/keys/rotate'))
    toast(t('library.keys.rotated'))
  })
  const rekeep = useAction(async () => {
    const behind = keys.data.value?.behind ?? 0
    if (!(await confirmDeed({ title: t('library.keys.rekeepTitle', [behind]), words: t('library.keys.rekeepWords'), verb: t('library.keys.rekeep') }))) return
    await ask(api.POST('/api/library/keys/rekeep'))
    await keys.reload()
  })
  const cancel = useAction(async (run: Run) => {
    if (!(await confirmDeed({ title: t('library.keys.cancelTitle'), words: t('library.keys.cancelWords'), verb: t('library.keys.cancel'), danger: true }))) return
    await ask(api.POST('/api/library/keys/rekeep/{id}/cancel', { params: { path: { id: run.id } } }))
    await keys.reload()
  })
  const retire = useAction(async (key: Key) => {
    if (!(await confirmDeed({ title: t('library.keys.retireTitle', [key.id]), words: t('library.keys.retireWords'), verb: t('library.keys.retire'), danger: true, typed: key.id }))) return
    keys.data.value = await ask(api.DELETE('/api/library/keys/{id}', { params: { path: { id: key.id } } }))
    toast(t('library.keys.retired', [key.id]))
  })
  const say = (deed: { error: { value: Parameters<typeof problemWords>[0] | null } }) => deed.error.value && toast(problemWords(deed.error.value), { tone: 'danger' })
  return {
    keys, running,
    working: computed(() => rotate.busy.value || rekeep.busy.value || cancel.busy.value || retire.busy.value),
    rotate: () => rotate.run().then(() => say(rotate)),
    rekeep: () => rekeep.run().then(() => say(rekeep)),
    cancel: (run: Run) => cancel.run(run).then(() => say(cancel)),
    retire: (key: Key) => retire.run(key).then(() => say(retire)),
  }
}
