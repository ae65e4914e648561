import { computed, ref, watch } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { boxNames, topic, useCounts, type Box, type Line } from '@/kernel/case/todo'

/** One task nobody holds. */
export type Stuck = components['schemas']['FlowStuck']

/** The boxes of a person: their counts, and the rows of the one that is open. */
export function useTasks() {
  const counts = useCounts()
  const list = useList<Line, { box: string; text: string; late: string }>({
    filters: { box: 'do', text: '', late: '' },
    limit: 30,
    topics: [topic],
    load: ({ filters, cursor, limit, signal }) => {
      const box = boxNames.find((name) => name === filters.box) ?? 'do'
      return ask(api.GET('/api/flow/tasks', { params: { query: { box, text: filters.text.trim() || undefined, late: filters.late !== '', after: cursor || undefined, limit } }, signal }))
    },
  })
  const typed = ref(list.filters.text)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(typed, (now) => {
    clearTimeout(timer)
    timer = setTimeout(() => (list.filters.text = now.trim()), 250)
  })
  const box = computed<Box>({ get: () => boxNames.find((name) => name === list.filters.box) ?? 'do', set: (to) => (list.filters.box = to) })
  return { counts, list, box, typed }
}
