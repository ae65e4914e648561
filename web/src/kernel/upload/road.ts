import { api, apiEvents, ask, guardedFetch } from '@/base/api'
import type { Progress, Road } from './send'

/** The way of a file to the server's /api/file. */
export const road: Road = {
  begin: (name, size, signal) => ask(api.POST('/api/file/uploads', { body: { name, size }, signal })),
  ask: (id, signal) => ask(api.GET('/api/file/uploads/{id}', { params: { path: { id } }, signal })),
  done: async (id, signal) => (await ask(api.POST('/api/file/uploads/{id}/done', { params: { path: { id } }, signal }))).id,
  put: async (id, offset, chunk, signal) => {
    const address = new URL(`/api/file/uploads/${encodeURIComponent(id)}?offset=${offset}`, location.origin)
    const response = await guardedFetch(new Request(address, { method: 'PUT', body: chunk, headers: { 'Content-Type': 'application/octet-stream' }, signal }))
    return (await response.json()) as Progress
  },
  back: async (problem, signal) => {
    if (!problem.offline) return wait(1500, signal)
    await Promise.race([heard('back', signal), wait(8000, signal)])
  },
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true })
  })
}
function heard(event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => apiEvents.addEventListener(event, () => resolve(), { once: true, signal }))
}
