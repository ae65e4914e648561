import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'

/** The time, as new as a clock that counts minutes needs. */
export function useNow(every = 15_000): ShallowRef<Date> {
  const now = shallowRef(new Date())
  const timer = setInterval(() => (now.value = new Date()), every)
  onScopeDispose(() => clearInterval(timer))
  return now
}
