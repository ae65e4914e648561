import { computed, onScopeDispose, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'
import { busy, type Run } from '../model'

const lookAgain = 1000 // milliseconds while a worker has it

/** One run, looked at each second while it is under way. */
export function useRun(id: string, ended: () => void) {
  const { t } = useI18n()
  const run = useQuery<Run>((signal) => ask(api.GET('/api/theme/runs/{id}', { params: { path: { id } }, signal })))
  let timer: ReturnType<typeof setTimeout> | undefined
  let was = false
  watch([run.data, run.error], ([now]) => {
    clearTimeout(timer)
    const going = Boolean(now && busy(now.state))
    if (going) timer = setTimeout(() => void run.reload(), lookAgain)
    if (was && !going) {
      announce('theme.runs')
      ended()
    }
    was = going
  })
  onScopeDispose(() => clearTimeout(timer))
  const going = computed(() => Boolean(run.data.value && busy(run.data.value.state)))
  const cancel = useAction(async () => {
    const yes = await confirmDeed({ title: t('theme.run.cancelTitle'), words: t('theme.run.cancelWords'), verb: t('theme.run.cancel'), danger: true })
    if (yes) run.data.value = await ask(api.POST('/api/theme/runs/{id}/cancel', { params: { path: { id } } }))
  })
  return { run, going, cancel }
}
