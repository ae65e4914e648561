import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** A word that stands in the address's query (?tab=people), so that what is seen can be sent as a link; without it, or when
 *  it is `usual`, the address does not show it. Writing it makes no new history entry unless push is set. Call it in setup. */
export function useAddress(name: string, usual = '', push = false): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => {
      const value = route.query[name]
      return typeof value === 'string' && value !== '' ? value : usual
    },
    set: (value) => {
      const query = { ...route.query, [name]: value === usual || value === '' ? undefined : value }
      void (push ? router.push({ query, hash: route.hash }) : router.replace({ query, hash: route.hash }))
    },
  })
}
