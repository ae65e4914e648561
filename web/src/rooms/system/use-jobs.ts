import { computed, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'

/** One background job. */
export type Job = components['schemas']['SystemJobRow']

const looks = {
  discarded: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
  running: { tone: 'brand', shape: 'ring' },
  retryable: { tone: 'warning', shape: 'triangle' },
  available: { tone: 'info', shape: 'circle' },
  scheduled: { tone: 'info', shape: 'circle' },
  pending: { tone: 'info', shape: 'circle' },
  completed: { tone: 'success', shape: 'check' },
} as const

/** Background jobs: those parked for an administrator (?tab= missing) and those waiting or at work (?tab=waiting). */
export function useJobs() {
  const { t, locale } = useI18n()
  const counts = shallowRef<{ parked: number; waiting: number }>()
  const list = useList<Job, { tab: string }>({
    filters: { tab: '' },
    topics: ['system.jobs'],
    load: async ({ filters, signal }) => {
      const { items, parked, waiting } = await ask(api.GET('/api/system/jobs', { params: { query: { parked: filters.tab === '' } }, signal }))
      counts.value = { parked, waiting }
      return { items }
    },
  })
  const parked = computed(() => list.filters.tab === '')
  const tabs = computed(() => [
    { key: '', words: t('system.jobs.parked', [counts.value?.parked ?? 0]) },
    { key: 'waiting', words: t('system.jobs.waiting', [counts.value?.waiting ?? 0]) },
  ])

  const retry = useAction(async (job: Job) => {
    await ask(api.POST('/api/system/jobs/{id}/retry', { params: { path: { id: job.id } } }))
    toast(t('system.jobs.retried', [job.title]))
    announce('system.jobs')
  })
  const drop = useAction(async (job: Job) => {
    await ask(api.DELETE('/api/system/jobs/{id}', { params: { path: { id: job.id } } }))
    toast(t('system.jobs.dropped', [job.title]))
    announce('system.jobs')
  })
  const say = (deed: typeof retry) => deed.error.value && toast(problemWords(deed.error.value), { tone: 'danger' })

  return {
    list, parked, tabs,
    busy: computed(() => retry.busy.value || drop.busy.value),
    show: (tab: string) => (list.filters.tab = tab),
    look: (job: Job) => ({ ...looks[job.state], words: locale.value && t(`system.job.${job.state}`) }),
    mayRetry: (job: Job) => parked.value || job.state === 'retryable',
    async retry(job: Job) {
      await retry.run(job)
      say(retry)
    },
    async drop(job: Job) {
      const question = { title: t('system.jobs.dropTitle', [job.title]), words: t('system.jobs.dropWords'), verb: t('system.jobs.drop'), danger: true, typed: String(job.id) }
      if (!(await confirmDeed(question))) return
      await drop.run(job)
      say(drop)
    },
  }
}

/** What a page of jobs works with. */
export type JobsPage = ReturnType<typeof useJobs>
