import { computed, ref, watch } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'

type Schemas = components['schemas']
/** One row of a box. */
export type Line = Schemas['FlowLine']
/** One task nobody holds. */
export type Stuck = Schemas['FlowStuck']

/** The boxes in the order of their tabs. */
export const boxNames = ['do', 'read', 'done', 'mine', 'copied', 'supervised'] as const
/** The name of a box. */
export type Box = (typeof boxNames)[number]

/** What the server pushes when anything of the person's boxes has changed. */
export const topic = 'flow.boxes'

/** The boxes of a person: their counts, and the rows of the one that is open. */
export function useTasks() {
  const counts = useQuery((signal) => ask(api.GET('/api/flow/boxes', { signal })), [], { topics: [topic] })
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

/** Notes that the reader has opened a task; a copy to read is done with that. */
export async function opened(line: Line): Promise<void> {
  if (line.task && !line.seen) await ask(api.POST('/api/flow/tasks/{id}/read', { params: { path: { id: line.task } } }))
}
