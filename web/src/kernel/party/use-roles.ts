import { computed } from 'vue'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'

/** The built-in roles by their names, for whoever says who acts. */
export function useRoles() {
  const found = useQuery((signal) => ask(api.GET('/api/authz/names', { signal })), [], { topics: ['authz.roles'] })
  return computed(() => found.data.value?.items ?? [])
}
