import { computed, onBeforeUnmount, onMounted, reactive, ref, shallowRef } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'

/** A dataset the person may look something up in. */
export type Source = components['schemas']['LookupSource']
/** The answer to a look. */
export type Found = components['schemas']['LookupFindOutBody']

/** Looks for one record. What was typed and what was found live in this page alone: they go when it is left, when the browser
 *  puts it away, and when the ten minutes are over in which a field may be revealed. */
export function useFind(source: Source) {
  const form = reactive({ column: source.keys[0]?.name ?? '', value: '', purpose: source.purpose, basis: '', matter: '', version: 0 })
  const past = useQuery((signal) => ask(api.GET('/api/lookup/datasets/{id}/versions', { params: { path: { id: source.id } }, signal })))
  const found = shallowRef<Found>()
  const searched = ref('') // the key column by name, for the words over the answer
  const secondsLeft = ref(0)
  const over = ref(false)
  let timer: ReturnType<typeof setInterval> | undefined

  function clear() {
    clearInterval(timer)
    found.value = undefined
    secondsLeft.value = 0
  }
  /** The server's clock counts: what is left is taken from its answer, and counted down by ours. */
  function countDown(answer: Found) {
    clearInterval(timer)
    const span = Date.parse(answer.until ?? '') - Date.parse(answer.at ?? '')
    const end = performance.now() + (Number.isFinite(span) ? span : 0)
    const tick = () => {
      secondsLeft.value = Math.max(0, Math.ceil((end - performance.now()) / 1000))
      if (secondsLeft.value > 0) return
      clear()
      over.value = true
    }
    timer = setInterval(tick, 1000)
    tick()
  }

  const find = useAction(async () => {
    clear()
    over.value = false
    const body = { dataset: source.id, column: form.column, value: form.value.trim(), purpose: form.purpose.trim(), basis: form.basis.trim() || undefined, matter: form.matter.trim() || undefined, version: form.version || undefined }
    const answer = await ask(api.POST('/api/lookup/find', { body }))
    searched.value = source.keys.find((key) => key.name === form.column)?.title ?? form.column
    found.value = answer
    if (answer.rows.length > 0) countDown(answer)
    announce('lookup.mine')
  })
  /** One field in clear. The server writes the reason to the ledger before it answers. */
  async function reveal(row: number, column: string, reason: string): Promise<string> {
    const look = found.value?.look ?? ''
    const { value } = await ask(api.POST('/api/lookup/reveal', { body: { look, row, column, reason } }))
    announce('lookup.mine')
    return value
  }
  function forget() {
    clear()
    form.value = ''
  }
  // A page kept for "back" would come back with what was on it.
  const away = (event: PageTransitionEvent) => event.persisted && forget()
  onMounted(() => window.addEventListener('pagehide', away))
  onBeforeUnmount(() => {
    window.removeEventListener('pagehide', away)
    forget()
  })
  const clock = computed(() => `${Math.floor(secondsLeft.value / 60)}:${String(secondsLeft.value % 60).padStart(2, '0')}`)
  return { form, past, found, searched, clock, over, find, reveal, forget }
}

/** What the parts of a look work with. */
export type Finding = ReturnType<typeof useFind>
