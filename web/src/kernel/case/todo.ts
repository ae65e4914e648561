import { ref } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'

/** One row of a box. */
export type Line = components['schemas']['FlowLine']

/** The boxes in the order of their tabs. */
export const boxNames = ['do', 'read', 'done', 'mine', 'copied', 'supervised'] as const
/** The name of a box. */
export type Box = (typeof boxNames)[number]

/** What the server pushes when anything of the person's boxes has changed. */
export const topic = 'flow.boxes'

/** How many lie in each box of a person; each is the length of the list of that name. */
export function useCounts() {
  return useQuery((signal) => ask(api.GET('/api/flow/boxes', { signal })), [], { topics: [topic] })
}

/** The counts, and the first rows of the box that is open. */
export function useTodo(rows: number) {
  const box = ref<Box>('do')
  const first = useQuery((signal) => ask(api.GET('/api/flow/tasks', { params: { query: { box: box.value, limit: rows } }, signal })), [box], { topics: [topic] })
  return { box, first, counts: useCounts() }
}

/** Notes that the reader has opened a task; a copy to read is done with that. */
export async function opened(line: Line): Promise<void> {
  if (line.task && !line.seen) await ask(api.POST('/api/flow/tasks/{id}/read', { params: { path: { id: line.task } } }))
}
