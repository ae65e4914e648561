import { computed, ref, watch } from 'vue'
import { api, ask } from '@/base/api'
import type { Chart, Param } from '../model'
import { moment, paramsIn } from '../model'
import { useRun } from '../use-run'
import { useTables } from '../use-tables'

/** The workbench: a text, its parameters and purpose, and what it came to. */
export function useWorkbench() {
  const tables = useTables()
  const run = useRun()
  const sql = ref('')
  const params = ref<Param[]>([])
  const asOf = ref('')
  const purpose = ref('')
  const chart = ref<Chart>({ kind: 'table' })

  watch(sql, (text) => {
    const names = paramsIn(text)
    if (names.join() === params.value.map((one) => one.name).join()) return
    params.value = names.map((name) => params.value.find((one) => one.name === name) ?? { name, kind: 'text', value: '' })
  })
  /** The line the server complained of, 0 for none. */
  const wrong = computed(() => run.error.value?.reasons.find((one) => one.name === 'sql')?.row ?? 0)
  const masked = computed(() => {
    const text = sql.value.toLowerCase()
    return tables.all.value.some((one) => text.includes(one.name) && one.columns.some((c) => c.masked && (text.includes(c.name.toLowerCase()) || text.includes('*'))))
  })
  const needsPurpose = computed(() => masked.value || Boolean(run.error.value?.reason('purpose')) || purpose.value !== '')

  function go() {
    if (!sql.value.trim()) return
    void run.ask((signal) => ask(api.POST('/api/query/run', { body: { sql: sql.value, params: params.value, asOf: moment(asOf.value), purpose: purpose.value.trim() || undefined }, signal })))
  }
  return { tables, run, sql, params, asOf, purpose, chart, wrong, needsPurpose, go }
}
