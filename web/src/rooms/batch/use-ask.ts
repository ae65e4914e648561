import { onScopeDispose, reactive, shallowRef } from 'vue'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'
import { road } from '@/kernel/upload/road'
import { sendFile } from '@/kernel/upload/send'

/** A new request: what, why, on what law, and the list. */
export function useAskNew() {
  const router = useRouter()
  const form = reactive({ dataset: '', wanted: '', purpose: '', basis: '' })
  const file = shallowRef<File>()
  const datasets = useQuery((signal) => ask(api.GET('/api/batch/askable', { signal })), [])
  const stop = new AbortController()
  onScopeDispose(() => stop.abort())
  const send = useAction(async () => {
    if (!file.value) return
    const fileId = await sendFile(file.value, file.value.name, road, { progress: () => undefined, waiting: () => undefined }, stop.signal)
    const { id } = await ask(api.POST('/api/batch/asks', { body: { fileId, ...form } }))
    announce('batch.asks')
    await router.replace(`/batch/asks/${id}`)
  })
  return { form, file, datasets, send }
}

/** One request, and the run that answers it. */
export function useAsk(id: string) {
  const router = useRouter()
  const found = useQuery((signal) => ask(api.GET('/api/batch/asks/{id}', { params: { path: { id } }, signal })), [], { topics: ['batch.asks', 'flow.case'] })
  const answer = useAction(async () => {
    const run = await ask(api.POST('/api/batch/asks/{id}/answer', { params: { path: { id } } }))
    await router.push(`/batch/${run.id}`)
  })
  return { found, answer }
}
