import { readonly, ref } from 'vue'
import { apiEvents } from '@/base/api'

const lost = ref(false)
const pauses = [2000, 4000, 8000, 15_000] // milliseconds between two tries

/** Whether the last request got no answer, or the browser says it has no network. */
export const offline = readonly(lost)

/** Watches the network and tries the server again until it answers; then queries that failed load again. */
export function startConnection(): void {
  let tries = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function probe() {
    try {
      await fetch('/api/system/site', { cache: 'no-store' })
      found()
    } catch {
      timer = setTimeout(() => void probe(), pauses[Math.min(tries++, pauses.length - 1)])
    }
  }
  function gone() {
    lost.value = true
    clearTimeout(timer)
    timer = setTimeout(() => void probe(), pauses[0])
  }
  function found() {
    if (!lost.value) return
    lost.value = false
    tries = 0
    clearTimeout(timer)
    apiEvents.dispatchEvent(new Event('back'))
  }

  apiEvents.addEventListener('lost', gone)
  apiEvents.addEventListener('answered', found)
  window.addEventListener('offline', gone)
  window.addEventListener('online', () => void probe())
}
