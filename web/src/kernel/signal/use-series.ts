import { computed, ref, watch, type Ref } from 'vue'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import { useLive } from './use-live'

/** How far back a chart may look, in hours. */
export const spans = [1, 6, 24, 168, 720, 8760] as const

/** The samples of a signal over a stretch that ends now, or a fixed one; new samples come by themselves. */
export function useSeries(id: Ref<string>, fixed?: Ref<{ from: string; until: string } | undefined>) {
  const hours = ref<number>(6)
  const until = ref(new Date())
  const stretch = computed(() => fixed?.value ?? { from: new Date(until.value.getTime() - hours.value * 3_600_000).toISOString(), until: until.value.toISOString() })
  const query = useQuery(
    (signal) => {
      const { from, until } = stretch.value
      return ask(api.GET('/api/signal/signals/{id}/chart', { params: { path: { id: id.value }, query: { from, until, width: 600 } }, signal })).then((answer) => ({ ...answer, from, until }))
    },
    [id, stretch],
    { when: () => id.value !== '' },
  )
  watch(hours, () => (until.value = new Date()))
  useLive((hint) => {
    if (!fixed?.value && (hint.all || hint.signals?.includes(id.value))) until.value = new Date()
  })
  return { hours, stretch, query }
}
