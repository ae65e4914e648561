import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'

/** One notice with the reader's own marks. */
export type Notice = components['schemas']['DeskNotice']

/** One notice. Opening it is noted by the server; a receipt and a withdrawal wait for its answer. */
export function useNotice() {
  const { t } = useI18n()
  const id = String(useRoute().params.id)
  const notice = useQuery(async (signal) => {
    const answer = await ask(api.GET('/api/desk/notices/{id}', { params: { path: { id } }, signal }))
    announce('desk')
    return answer
  })
  const receive = useAction(async () => {
    await ask(api.POST('/api/desk/notices/{id}/receipt', { params: { path: { id } } }))
    if (notice.data.value) notice.data.value = { ...notice.data.value, read: true, seen: true }
    announce('desk')
    toast(t('desk.receipt.done'))
  })
  const withdrawing = ref(false)
  const reason = ref('')
  const withdraw = useAction(async () => {
    if (!notice.data.value) return
    notice.data.value = await ask(api.POST('/api/desk/notices/{id}/withdraw', { params: { path: { id } }, body: { reason: reason.value.trim(), version: notice.data.value.version } }))
    withdrawing.value = false
    announce('desk')
    toast(t('desk.withdraw.done'))
  })
  return { id, notice, receive, withdraw, withdrawing, reason }
}
