import { computed, onScopeDispose, reactive, ref } from 'vue'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'
import type { Run } from '../model'

const pause = 700 // milliseconds between looks at a run

/** Drafting every dataset the person answers for, or everything another system holds, as a run that can be watched and stopped. */
export function useDrafts() {
  const form = reactive({ class: '3' as '1' | '2' | '3', item: '01', subject: '001', detail: '', cycle: 'monthly', contact: '', phone: '', source: '' })
  const run = ref<Run>()
  const sources = useQuery((signal) => ask(api.GET('/api/catalog/sources', { signal })))
  const classes = useQuery((signal) => ask(api.GET('/api/catalog/classes', { signal })))
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  const busy = computed(() => run.value?.state === 'queued' || run.value?.state === 'running')

  async function look(): Promise<void> {
    if (!run.value) return
    run.value = await ask(api.GET('/api/catalog/runs/{id}', { params: { path: { id: run.value.id } } }))
    if (busy.value) timer = setTimeout(() => void look().catch(() => (timer = setTimeout(() => void look(), 4 * pause))), pause)
    else {
      announce('catalog')
      announce('catalog.run')
    }
  }
  const start = useAction(async () => {
    run.value = await ask(api.POST('/api/catalog/drafts', { body: { ...form } }))
    await look()
  })
  const stop = useAction(async () => {
    run.value = await ask(api.POST('/api/catalog/runs/{id}/cancel', { params: { path: { id: run.value!.id } } }))
  })
  return { form, run, classes, sources, busy, start, stop }
}
