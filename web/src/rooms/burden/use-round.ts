import { computed } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useSheets } from './use-lists'

/** One sending of a report: how far each street is, its sheets, and what the sender may do. */
export function useRound() {
  const route = useRoute()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery((signal) => ask(api.GET('/api/burden/rounds/{id}', { params: path(), signal })), [id], { topics: ['burden.sheets'], every: 20_000 })
  const sheets = useSheets(() => id.value)
  const urge = useAction(async () => {
    const { told } = await ask(api.POST('/api/burden/rounds/{id}/urge', { params: path() }))
    toast(text('burden.urged', [told]))
    announce('burden.sheets')
  })
  const close = useAction(async () => {
    if (!(await confirmDeed({ title: text('burden.closeTitle', [found.data.value!.title]), words: text('burden.closeWords'), verb: text('burden.close') }))) return
    await ask(api.POST('/api/burden/rounds/{id}/close', { params: path() }))
    announce('burden.sheets')
  })
  return { id, found, sheets, urge, close, wrong: computed(() => urge.error.value ?? close.error.value) }
}
