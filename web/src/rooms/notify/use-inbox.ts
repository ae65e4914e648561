import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { asProblem } from '@/base/problem'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'

/** One message to this person. */
export type Message = components['schemas']['NotifyRow']

const topic = 'notify.unread' // what the server pushes when something has come, here or in another window

/** The messages, newest first. */
export function useInbox() {
  const { t, locale } = useI18n()
  const list = useList<Message, { unread: string }>({
    filters: { unread: '' },
    limit: 30,
    topics: [topic],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/notify', { params: { query: { unread: filters.unread !== '', after: cursor || undefined, limit } }, signal })),
  })
  const counts = useQuery((signal) => ask(api.GET('/api/notify/count', { signal })), [locale], { topics: [topic] })
  const unread = computed(() => counts.data.value?.count ?? 0)

  /** Marks one as read; the list shows it at once, as nothing is lost when it fails. */
  async function read(message: Message): Promise<void> {
    if (message.readAt) return
    try {
      await ask(api.POST('/api/notify/{id}/read', { params: { path: { id: message.id } } }))
      announce(topic)
    } catch (thrown) {
      toast(problemWords(asProblem(thrown)), { tone: 'danger' })
    }
  }
  /** Marks what is before the reader; what came meanwhile, and what must be opened by itself, stays unread. */
  const readAll = useAction(async () => {
    const newest = list.items.value[0]?.id
    const left = await ask(api.POST('/api/notify/read-all', { params: { query: { upTo: newest } } }))
    announce(topic)
    toast(left.must > 0 ? t('notify.allButMust', [left.must]) : t('notify.allRead'))
  })
  return {
    list, unread, read,
    tab: computed({ get: () => list.filters.unread, set: (to) => (list.filters.unread = to) }),
    busy: readAll.busy,
    async readAll() {
      await readAll.run()
      if (readAll.error.value) toast(problemWords(readAll.error.value), { tone: 'danger' })
    },
  }
}
