import { computed, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Party } from '@/kernel/party/use-party-search'
import { moment, typed, type Chart, type Param, type SavedBody } from '../model'
import { useRun } from '../use-run'

/** One saved question: its answer with the reader's own rights, and for its owner what may be changed. */
export function useSaved() {
  const { t } = useI18n()
  const route = useRoute()
  const router = useRouter()
  const id = String(route.params.id)
  const run = useRun()
  const params = ref<Param[]>([])
  const asOf = ref('')
  const purpose = ref('')
  const chart = ref<Chart>({ kind: 'table' })
  const saved = useQuery((signal) => ask(api.GET('/api/query/saved/{id}', { params: { path: { id } }, signal })))
  const asked = ref(false)

  watch(saved.data, (now) => {
    if (!now || asked.value) return
    asked.value = true
    params.value = (now.plan.params ?? []).map((one) => ({ ...one }))
    asOf.value = typed(now.plan.asOf)
    chart.value = now.plan.chart?.kind ? { ...now.plan.chart } : { kind: 'table' }
    void go()
  })
  const values = computed(() => Object.fromEntries(params.value.map((one) => [one.name, one.value ?? ''])))
  async function go() {
    await run.ask((signal) => ask(api.POST('/api/query/saved/{id}/run', { params: { path: { id } }, body: { values: values.value, asOf: moment(asOf.value), purpose: purpose.value.trim() || undefined }, signal })))
  }
  const needsPurpose = computed(() => Boolean(run.error.value?.reason('purpose')) || Boolean(run.answer.value?.personal) || purpose.value !== '')

  function took(next: SavedBody) {
    saved.data.value = next
    announce('query.saved')
  }
  const keepChart = useAction(async () => {
    const now = saved.data.value!
    const values = params.value
    took(await ask(api.PUT('/api/query/saved/{id}', { params: { path: { id } }, body: { name: now.name, summary: now.summary, plan: { ...now.plan, params: values, asOf: moment(asOf.value), chart: chart.value }, version: now.version } })))
    toast(t('query.saved.kept'))
  })
  const share = useAction(async (party: Party | null, kind: 'unit' | 'person', drop?: string) => {
    const now = saved.data.value!
    const rest = now.shares.filter((one) => (one.unit || one.person) !== drop).map(({ unit, person }) => ({ unit, person }))
    const shares = party ? [...rest, kind === 'unit' ? { unit: party.id } : { person: party.id }] : rest
    took(await ask(api.PUT('/api/query/saved/{id}/shares', { params: { path: { id } }, body: { shares, version: now.version } })))
    toast(t(party ? 'query.saved.sharedDone' : 'query.saved.unshared'))
  })
  async function remove() {
    const now = saved.data.value!
    if (!(await confirmDeed({ title: t('query.saved.removeAsk', [now.name]), words: t('query.saved.removeWords'), verb: t('query.saved.remove'), danger: true }))) return
    await ask(api.DELETE('/api/query/saved/{id}', { params: { path: { id }, query: { version: now.version } } }))
    announce('query.saved')
    toast(t('query.saved.removed'))
    await router.push('/query/saved')
  }
  const removing = useAction(remove)
  return { id, run, params, asOf, purpose, chart, saved, go, needsPurpose, keepChart, share, removing }
}

/** What the parts of the page work with. */
export type SavedPage = ReturnType<typeof useSaved>
