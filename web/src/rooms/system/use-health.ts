import { computed, onScopeDispose, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'

/** Milliseconds between two looks. */
export const lookEvery = 30_000

/** What is in order and what is not, looked at again every half minute, with the age of what is shown. */
export function useHealth() {
  const { locale } = useI18n()
  const at = ref<Date>() // when the answer on show came
  const now = ref(new Date())
  const health = useQuery(
    async (signal) => {
      const answer = await ask(api.GET('/api/system/health', { signal }))
      at.value = now.value = new Date()
      return answer
    },
    [locale],
    { every: lookEvery },
  )
  const timer = setInterval(() => (now.value = new Date()), 1000)
  onScopeDispose(() => clearInterval(timer))
  const age = computed(() => (at.value ? now.value.getTime() - at.value.getTime() : 0))
  return { health, at, now, age, late: computed(() => age.value > 2 * lookEvery) }
}
