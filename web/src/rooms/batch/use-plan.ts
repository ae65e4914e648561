import { computed, reactive, watch } from 'vue'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import type { Plan, Run } from './states'
import type { RunPage } from './use-run'

/** A plan without nulls, as the form edits it. */
export function editable(plan: Plan): Required<Plan> {
  return { sheet: '', first: 0, last: 0, reason: '', group: '', ...plan, columns: [...(plan.columns ?? [])], clear: [...(plan.clear ?? [])], compare: [...(plan.compare ?? [])] }
}

/** What is asked of the list: which column, which answer, which columns; every change is taken to the server, which checks the list
 *  again where that matters. */
export function usePlan(page: RunPage, run: Run) {
  const plan = reactive(editable(run.plan))
  const sources = useQuery((signal) => ask(api.GET('/api/batch/datasets', { params: { query: { limit: 200 } }, signal })), [])
  const source = computed(() => sources.data.value?.items.find((one) => one.id === run.dataset))
  const keys = computed(() => source.value?.columns.filter((column) => column.key) ?? [])
  const offered = computed(() => source.value?.columns.filter((column) => column.name !== plan.key) ?? [])
  const groupable = computed(() => offered.value.filter((column) => !column.masked && column.level < 'L3'))

  const save = useAction(async () => {
    const now = page.run.data.value ?? run
    const asked = plan.mode === 'fields' ? plan.columns : plan.mode === 'changed' ? plan.compare.map((pair) => pair.column) : []
    const body = { ...plan, clear: plan.clear.filter((name) => asked.includes(name)), purpose: now.purpose, basis: now.basis, version: now.version }
    page.take(await ask(api.PUT('/api/batch/runs/{id}', { params: { path: { id: run.id } }, body })))
  })
  // What the server found out, such as the header of another sheet, comes back into the form; what the person chose stays.
  watch(() => page.run.data.value, (now) => now && Object.assign(plan, { sheet: now.plan.sheet, first: now.plan.first, last: now.plan.last }))

  /** Whether enough has been chosen to be checked. */
  const whole = computed(() => plan.at >= 0 && { exists: true, fields: plan.columns.length > 0, changed: plan.compare.length > 0, counts: plan.group !== '' }[plan.mode] && (plan.clear.length === 0 || plan.reason.trim().length >= 4))
  async function relook(change: Partial<Plan>) {
    Object.assign(plan, change)
    const mode = plan.mode
    if (!whole.value) plan.mode = 'exists' // the column is looked at before the rest has been chosen
    await save.run()
    plan.mode = mode
  }
  async function start() {
    await save.run()
    if (!save.error.value) await page.start.run()
  }
  const toggle = (list: string[], name: string, on: boolean) => (on ? list.includes(name) || list.push(name) : list.includes(name) && list.splice(list.indexOf(name), 1))
  function pair(at: number, column: string) {
    plan.compare = plan.compare.filter((one) => one.at !== at && one.column !== column)
    if (column) plan.compare.push({ at, column })
  }
  return { plan, source, keys, offered, groupable, save, whole, relook, start, toggle, pair, working: computed(() => save.busy.value || page.start.busy.value) }
}

/** What the parts of a plan work with. */
export type Planning = ReturnType<typeof usePlan>
