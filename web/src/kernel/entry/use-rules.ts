import { computed, type ComputedRef } from 'vue'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import { usualRules, type PasswordRules } from './password'

/** The installation's password rules; the usual ones until the answer is there. */
export function useRules(): ComputedRef<PasswordRules> {
  const { data } = useQuery((signal) => ask(api.GET('/api/identity/rules', { signal })))
  return computed(() => data.value ?? usualRules)
}
