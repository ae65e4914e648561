import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { FeedItem } from '../feed/feeds'
import type { Schedule, Source } from './sources'

/** One source: what it has, what is collected from it, and choosing more. */
export function useSource() {
  const { t } = useI18n()
  const router = useRouter()
  const id = String(useRoute().params.id)
  const source = useQuery<Source>((signal) => ask(api.GET('/api/library/sources/{id}', { params: { path: { id } }, signal })), [], { topics: ['library.sources'] })
  const feeds = useList<FeedItem>({
    limit: 50, addressless: true, topics: ['library.feeds'],
    load: ({ cursor, limit, signal }) => ask(api.GET('/api/library/feeds', { params: { query: { source: id, after: cursor || undefined, limit } }, signal })),
  })
  const words = ref('')
  const choosing = ref(false)
  const tables = useQuery((signal) => ask(api.GET('/api/library/sources/{id}/tables', { params: { path: { id }, query: { text: words.value } }, signal })), [words, choosing], { when: () => choosing.value })
  const chosen = ref<string[]>([])
  const schedule = reactive<Schedule>({ every: 'daily', n: 1, at: '02:30', day: 1 })
  const failed = ref<{ name?: string; message: string }[]>([])

  const add = useAction(async () => {
    const made = await ask(api.POST('/api/library/feeds', { body: { source: id, objects: chosen.value, schedule } }))
    failed.value = made.failed
    chosen.value = []
    announce('library.feeds')
    announce('library.sources')
    if (made.made.length === 1 && made.failed.length === 0) {
      await router.push(`/library/sources/feeds/${made.made[0]}`)
      return
    }
    toast(t('library.source.picked', [made.made.length]))
    if (made.failed.length === 0) choosing.value = false
    else void tables.reload()
  })
  const remove = useAction(async (name: string, version: number) => {
    const yes = await confirmDeed({ title: t('library.source.removeTitle', [name]), words: t('library.source.removeWords'), verb: t('library.source.remove'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/library/sources/{id}', { params: { path: { id }, query: { version } } }))
    announce('library.sources')
    await router.push('/library/sources')
  })
  return {
    id, source, feeds, words, choosing, tables, chosen, schedule, failed, add,
    removing: remove.busy,
    remove: (one: Source) => remove.run(one.name, one.version).then(() => remove.error.value && toast(problemWords(remove.error.value), { tone: 'danger' })),
    free: computed(() => (tables.data.value?.items ?? []).filter((table) => !table.feed)),
  }
}

/** What the page of a source works with. */
export type SourcePage = ReturnType<typeof useSource>
