import { reactive, ref } from 'vue'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { components } from '@/api.gen'
import type { Line } from '../model'

/** What became of one draft of many that were handed in. */
export type Handed = components['schemas']['CatalogHanded']

/** What the person drafts, reviews or mounts, whatever its state; drafts are handed in many at once. */
export function useMine() {
  const list = useList<Line, { text: string; work: string; mount: string; state: string; unit: string }>({
    filters: { text: '', work: '', mount: '', state: '', unit: '' },
    limit: 30,
    topics: ['catalog', 'flow.boxes'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/catalog/entries', { params: { query: { view: 'work', text: filters.text || undefined, work: (filters.work || undefined) as never, mount: (filters.mount || undefined) as never, state: (filters.state || undefined) as never, unit: filters.unit || undefined, after: cursor || undefined, limit } }, signal })),
  })
  const chosen = reactive(new Set<string>())
  const handed = ref<Handed[]>()
  const submit = useAction(async () => {
    handed.value = (await ask(api.POST('/api/catalog/submit', { body: { ids: [...chosen] } }))).handed
    chosen.clear()
    toast(text('catalog.mine.handed', [handed.value.filter((one) => one.ok).length, handed.value.length]))
    announce('catalog')
    announce('flow.boxes')
  })
  const runs = useQuery((signal) => ask(api.GET('/api/catalog/runs', { params: { query: { limit: 5 } }, signal })), [], { topics: ['catalog.run'] })
  const mountReady = useAction(async () => {
    const { mounted, left } = await ask(api.POST('/api/catalog/mount-ready'))
    toast(text('catalog.mine.mounted', [mounted, left.length]))
    announce('catalog')
  })
  const ready = (row: Line) => row.work === 'draft'
  return { list, chosen, handed, submit, runs, mountReady, ready, choose: (row: Line) => (chosen.has(row.id) ? chosen.delete(row.id) : chosen.add(row.id)), chooseAll: () => list.items.value.filter(ready).forEach((row) => chosen.add(row.id)) }
}

/** What the cataloguer's page works with. */
export type MinePage = ReturnType<typeof useMine>
