import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Dataset } from '../states'

/** The parts of a dataset's page; who does not own it sees the first only. */
export type Tab = 'columns' | 'versions' | 'grants'

/** One dataset; the open part stands in the address (?tab=). */
export function useDataset() {
  const { t } = useI18n()
  const route = useRoute()
  const router = useRouter()
  const id = String(route.params.id)
  const dataset = useQuery<Dataset>((signal) => ask(api.GET('/api/library/datasets/{id}', { params: { path: { id } }, signal })), [], { topics: ['library.dataset'] })
  const tabs = computed<Tab[]>(() => (!dataset.data.value?.owned ? ['columns'] : dataset.data.value.live ? ['columns', 'grants'] : ['columns', 'versions', 'grants']))
  const tab = computed<Tab>(() => tabs.value.find((one) => one === route.query.tab) ?? 'columns')

  /** Takes over what the server answered to a change. */
  function take(now: Dataset) {
    dataset.data.value = now
    announce('library.datasets')
  }
  const remove = useAction(async (now: Dataset) => {
    const yes = await confirmDeed({ title: t('library.remove.title', [now.title]), words: now.live ? t('library.live.removeWords', [now.grants.filter((grant) => grant.active).length]) : t('library.remove.words', [now.rows.toLocaleString(), now.grants.filter((grant) => grant.active).length]), verb: t('library.remove.verb'), danger: true, typed: now.title })
    if (!yes) return
    await ask(api.DELETE('/api/library/datasets/{id}', { params: { path: { id }, query: { version: now.version } } }))
    toast(t('library.remove.done', [now.title]))
    announce('library.datasets')
    await router.push('/library/datasets')
  })
  return {
    id, dataset, tabs, tab, take,
    open: (to: Tab) => void router.push({ query: { ...route.query, tab: to === 'columns' ? undefined : to } }),
    removing: remove.busy,
    remove: async (now: Dataset) => {
      await remove.run(now)
      if (remove.error.value) toast(problemWords(remove.error.value), { tone: 'danger' })
    },
  }
}

/** What a dataset's page works with. */
export type DatasetPage = ReturnType<typeof useDataset>
