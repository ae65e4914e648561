import { computed, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { AlarmLine } from '@/kernel/signal/model'
import { useLive } from '@/kernel/signal/use-live'

/** Which alarms a list shows. */
export const views = ['open', 'mine', 'shelved', 'cleared', 'all'] as const

/** The alarms the reader sees, with how many there are; they come and change by themselves. */
export function useAlarms() {
  const list = useList<AlarmLine, { view: string; level: string; text: string }>({
    filters: { view: 'open', level: '', text: '' },
    limit: 30,
    topics: ['signal.alarms'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/signal/alarms', { params: { query: { view: filters.view as 'open', level: (filters.level || undefined) as 'red' | undefined, text: filters.text || undefined, after: cursor || undefined, limit } }, signal })),
  })
  const count = useQuery((signal) => ask(api.GET('/api/signal/alarms/count', { signal })), [], { topics: ['signal.alarms'] })
  useLive((hint) => {
    if (hint.alarms) announce('signal.alarms')
  })
  return { list, count }
}

/** One alarm and what may be done about it. */
export function useAlarm() {
  const { t } = useI18n()
  const route = useRoute()
  const id = computed(() => String(route.params.id))
  const alarm = useQuery((signal) => ask(api.GET('/api/signal/alarms/{id}', { params: { path: { id: id.value } }, signal })), [id], { topics: ['signal.alarms'] })
  useLive((hint) => {
    if (hint.alarms || hint.signals?.includes(alarm.data.value?.signal ?? '')) void alarm.reload()
  })
  const path = computed(() => ({ params: { path: { id: id.value } } }))
  const version = () => alarm.data.value?.version ?? 0
  const done = (words: string) => {
    announce('signal.alarms')
    toast(words)
  }
  const form = ref<'' | 'acknowledge' | 'shelve' | 'vote'>('')
  const words = ref('')
  const minutes = ref(120)
  const open = (what: 'acknowledge' | 'shelve' | 'vote') => {
    words.value = ''
    form.value = what
  }
  const save = useAction(async () => {
    if (form.value === 'acknowledge') await ask(api.POST('/api/signal/alarms/{id}/acknowledge', { ...path.value, body: { note: words.value.trim(), version: version() } }))
    else if (form.value === 'shelve') await ask(api.POST('/api/signal/alarms/{id}/shelve', { ...path.value, body: { minutes: minutes.value, why: words.value.trim(), version: version() } }))
    else await ask(api.POST('/api/signal/alarms/{id}/vote', { ...path.value, body: { why: words.value.trim() } }))
    done(t(`signal.done.${form.value}`))
    form.value = ''
  })
  const unshelve = useAction(async () => {
    await ask(api.POST('/api/signal/alarms/{id}/unshelve', { ...path.value, body: { version: version() } }))
    done(t('signal.done.unshelve'))
  })
  return { id, alarm, form, words, minutes, open, save, unshelve }
}
