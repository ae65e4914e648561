import { onScopeDispose, ref, shallowRef } from 'vue'
import { api } from '@/base/api'
import { useAction } from '@/base/query'
import { announce } from '@/base/topics'
import type { Answer } from './model'

/** Asks one question at a time, counts its seconds and can stop it. */
export function useRun() {
  const answer = shallowRef<Answer>()
  const seconds = ref(0)
  let current: AbortController | undefined
  let timer: ReturnType<typeof setInterval> | undefined

  const action = useAction(async (put: (signal: AbortSignal) => Promise<Answer>) => {
    const mine = new AbortController()
    current = mine
    seconds.value = 0
    timer = setInterval(() => seconds.value++, 1000)
    try {
      const got = await put(mine.signal)
      answer.value = got
      return got
    } finally {
      clearInterval(timer)
      announce('query.runs')
    }
  })
  /** Ends the question under way: here at once, and on the server. */
  async function stop() {
    current?.abort()
    await api.POST('/api/query/cancel').catch(() => undefined)
  }
  onScopeDispose(() => {
    clearInterval(timer)
    current?.abort()
  })
  return { answer, seconds, ask: action.run, busy: action.busy, error: action.error, clear: action.clear, stop }
}

/** What the parts of a question work with. */
export type Run = ReturnType<typeof useRun>
