import { reactive, ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { Problem } from '@/base/problem'
import { useAction } from '@/base/query'
import type { Choice } from '@/base/SelectInput.vue'
import { exactDate } from '@/base/time'
import type { Dataset } from '../states'
import { dateIn, dayBegins, dayEnds } from './grants'

/** A way a grant may be used. */
export type Mode = Dataset['grants'][number]['modes'][number]
export const modes: Mode[] = ['look', 'batch', 'api', 'push']

/** A grant as it is written down, and the search for whom it is. Nothing is shown as granted before the server has it. */
export function useGrant(dataset: Dataset, granted: (now: Dataset, whom: string) => void) {
  const today = exactDate(new Date())
  const last = (months: number) => dateIn(months, today)
  const form = reactive({ kind: 'unit' as 'unit' | 'person', whom: '', columns: dataset.columns.map((column) => column.name), reveal: [] as string[], modes: ['look'] as Mode[], quota: '', purpose: '', basis: '', from: '', until: last(12) })
  const choices = shallowRef<Choice<string>[]>([])
  const searching = ref(false)

  async function search(words: string) {
    if (words.trim() === '') return
    searching.value = true
    try {
      const found = await ask(api.GET('/api/org/search', { params: { query: { q: words.trim() } } }))
      choices.value =
        form.kind === 'unit'
          ? found.units.map((unit) => ({ value: unit.id, label: unit.path || unit.name }))
          : found.people.map((person) => ({ value: person.id, label: [person.name, person.title, person.unit].filter(Boolean).join(' · ') }))
    } catch (thrown) {
      if (!(thrown instanceof Problem)) throw thrown
      choices.value = [] // the next letter asks again
    } finally {
      searching.value = false
    }
  }
  function turn(kind: 'unit' | 'person') {
    Object.assign(form, { kind, whom: '' })
    choices.value = []
  }
  const save = useAction(async () => {
    const whom = choices.value.find((choice) => choice.value === form.whom)?.label ?? ''
    const body = {
      [form.kind]: form.whom, columns: form.columns, reveal: form.reveal, modes: form.modes, quota: Number(form.quota) || 0, purpose: form.purpose.trim(), basis: form.basis.trim(),
      from: form.from ? dayBegins(form.from) : null, until: dayEnds(form.until),
    }
    granted(await ask(api.POST('/api/library/datasets/{id}/grants', { params: { path: { id: dataset.id } }, body })), whom)
  })
  return { form, choices, searching, search, turn, last, save }
}
