import { reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Line } from './model'

/** The libraries the person may see, and a new one. */
export function useLibraries() {
  const { t } = useI18n()
  const router = useRouter()
  const list = useList<Line, { text: string; kind: string }>({
    filters: { text: '', kind: '' },
    limit: 30,
    topics: ['theme'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/theme/libraries', { params: { query: { text: filters.text, kind: filters.kind as Line['kind'], after: cursor || undefined, limit } }, signal })),
  })
  const adding = ref(false)
  const draft = reactive({ title: '', name: '', kind: 'theme' as Line['kind'], summary: '' })
  const create = useAction(async () => {
    const made = await ask(api.POST('/api/theme/libraries', { body: { ...draft } }))
    adding.value = false
    announce('theme')
    toast(t('theme.created'))
    await router.push(`/theme/${made.id}`)
  })
  return { list, adding, draft, create }
}
