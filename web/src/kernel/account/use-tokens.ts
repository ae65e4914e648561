import { reactive, ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'

/** The lifetimes offered, in days. */
export const lifetimes = [7, 30, 90, 180] as const

/** Personal tokens for programs: list, make (shown once), end. */
export function useTokens() {
  const tokens = useQuery((signal) => ask(api.GET('/api/identity/tokens', { signal })))
  const open = ref(false)
  const made = shallowRef('')
  const draft = reactive({ name: '', scopes: [] as string[], days: 30 as number })

  const make = useAction(async () => {
    const answer = await ask(api.POST('/api/identity/tokens', { body: { name: draft.name.trim(), scopes: [...draft.scopes], days: draft.days } }))
    made.value = answer.token
    open.value = false
    Object.assign(draft, { name: '', scopes: [], days: 30 })
    await tokens.reload()
  })
  const end = useAction(async (id: string) => {
    await ask(api.DELETE('/api/identity/tokens/{id}', { params: { path: { id } } }))
    await tokens.reload()
  })
  return { tokens, open, made, draft, make, end }
}
