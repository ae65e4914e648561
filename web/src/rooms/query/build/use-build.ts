import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import { suggest, type Chart, type Column } from '../model'
import { useRun } from '../use-run'
import { useTables } from '../use-tables'
import { asBuild, type Form } from './form'

/** A question put together by choosing. */
export function useBuild() {
  const { t } = useI18n()
  const tables = useTables()
  const run = useRun()
  const form = reactive<Form>({ dataset: '', version: 0, mode: 'group', where: [], columns: [], group: [], measures: [], sortBy: 0, desc: true, limit: 0 })
  const purpose = ref('')
  const chart = ref<Chart>({ kind: 'table' })
  const table = computed(() => tables.all.value.find((one) => one.name === form.dataset))
  const past = useQuery((signal) => ask(api.GET('/api/query/sources/{id}/versions', { params: { path: { id: table.value!.id } }, signal })), [() => table.value?.id], { when: () => table.value !== undefined })
  const versions = computed(() => past.data.value?.items ?? [])
  const columns = computed<Column[]>(() => table.value?.columns ?? [])
  const find = (name: string) => columns.value.find((one) => one.name === name)

  function choose(name: string) {
    run.answer.value = undefined
    run.clear()
    const one = tables.all.value.find((at) => at.name === name)
    Object.assign(form, { dataset: name, version: 0, where: [], columns: one?.columns.map((c) => c.name) ?? [], group: [], measures: [{ agg: 'count', column: '' }], sortBy: 0, desc: true, limit: 0 })
    const first = one?.columns.find((c) => c.kind === 'text' && !c.masked && !c.key)
    if (first) form.group = [{ column: first.name, by: '' }]
  }
  /** What the columns of the answer will be, to sort by. */
  const outputs = computed(() => {
    if (form.mode === 'list') return form.columns.map((name) => find(name)?.title ?? name)
    const groups = form.group.filter((one) => one.column).map((one) => find(one.column)?.title ?? one.column)
    const figures = form.measures.map((one) => (one.column ? `${find(one.column)?.title ?? ''} ${t(`query.agg.${one.agg}`)}` : t('query.agg.rows')))
    return [...groups, ...figures]
  })
  watch(outputs, (now) => form.sortBy > now.length && (form.sortBy = 0))
  const used = computed(() => [...form.where.map((one) => one.column), ...(form.mode === 'list' ? form.columns : [...form.group.map((one) => one.column), ...form.measures.map((one) => one.column ?? '')])])
  const needsPurpose = computed(() => used.value.some((name) => find(name)?.masked))
  const ready = computed(() => form.dataset !== '' && (form.mode === 'list' ? form.columns.length > 0 : form.measures.length + form.group.length > 0) && (!needsPurpose.value || purpose.value.trim().length >= 4))

  async function go() {
    const got = await run.ask((signal) => ask(api.POST('/api/query/build', { body: { build: asBuild(form), purpose: purpose.value.trim() || undefined }, signal })))
    if (got) chart.value = form.mode === 'list' ? { kind: 'table' } : suggest(got.columns, got.rows.length)
  }
  return { tables, run, form, purpose, chart, table, versions, columns, find, choose, outputs, needsPurpose, ready, go }
}

/** What the parts of the page work with. */
export type Building = ReturnType<typeof useBuild>
