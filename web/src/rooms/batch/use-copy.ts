import { ref, shallowRef } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'
import type { Run } from './states'
import type { RunPage } from './use-run'

/** One copy of a result: made, its password shown once, fetched once. */
export function useCopy(run: Run, page: RunPage) {
  const made = shallowRef<components['schemas']['BatchCopyOutBody']>()
  const fetched = ref(false)
  const make = useAction(async (format: 'csv' | 'xlsx') => {
    fetched.value = false
    made.value = await ask(api.POST('/api/batch/runs/{id}/copies', { params: { path: { id: run.id } }, body: { format } }))
  })
  /** The browser saves the file itself, so that a large one does not pass through the page. */
  function fetchIt() {
    if (!made.value || fetched.value) return
    const link = document.createElement('a')
    link.href = made.value.link
    link.download = ''
    link.click()
    fetched.value = true
  }
  function close() {
    made.value = undefined
    void page.run.reload()
  }
  return { made, fetched, make, fetchIt, close }
}
