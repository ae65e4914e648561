import { computed, onScopeDispose, reactive, ref, watch } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'

type Schemas = components['schemas']
/** A delivery in the list. */
export type Delivery = Schemas['ExchangeDeliveryLine']
/** One delivery that was made, or tried. */
export type Run = Schemas['ExchangeRunLine']
type Plan = Delivery['plan']

/** Where deliveries go, and when. */
export const kinds = ['folder', 'sftp', 'postgres', 'mysql'] as const
export const schedules = ['manual', 'daily', 'weekly', 'hours', 'version'] as const
/** How a run looks. */
export const runLooks = {
  queued: { tone: 'info', shape: 'circle' },
  running: { tone: 'brand', shape: 'ring' },
  done: { tone: 'success', shape: 'check' },
  failed: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
} as const

const busy = (run?: Run) => run?.state === 'queued' || run?.state === 'running'
const lookAgain = 1500 // milliseconds while something is under way

function blank() {
  return { title: '', secret: '', format: 'csv' as NonNullable<Plan['format']>, kind: 'folder' as (typeof kinds)[number], host: '', port: 0, user: '', fingerprint: '', path: '', database: '', table: '', keys: [] as string[], when: 'daily' as (typeof schedules)[number], time: '06:00', weekday: 1, every: 6 }
}

/** The deliveries of a grant; looked at again while one is under way. */
export function useDeliveries(id: string) {
  const list = useQuery((signal) => ask(api.GET('/api/exchange/grants/{id}/deliveries', { params: { path: { id } }, signal })))
  const opened = ref('')
  const runs = useQuery((signal) => ask(api.GET('/api/exchange/deliveries/{id}/runs', { params: { path: { id: opened.value }, query: { limit: 20 } }, signal })), [opened], { when: () => opened.value !== '' })
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(list.data, (now) => {
    clearTimeout(timer)
    if (now?.items.some((one) => busy(one.last))) timer = setTimeout(() => (void list.reload(), void runs.reload()), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  const adding = ref(false)
  const form = reactive(blank())
  const files = computed(() => form.kind === 'folder' || form.kind === 'sftp')
  const make = useAction(async () => {
    const [hour, minute] = form.time.split(':').map(Number)
    const target = { kind: form.kind, host: form.host.trim(), port: Number(form.port) || 0, user: form.user.trim(), fingerprint: form.fingerprint.trim(), path: form.path.trim(), database: form.database.trim(), table: form.table.trim(), keys: files.value ? [] : form.keys }
    const plan: Plan = { target, format: files.value ? form.format : '', schedule: { kind: form.when, hour: hour ?? 0, minute: minute ?? 0, weekday: Number(form.weekday), every: Number(form.every) || 0 } }
    await ask(api.POST('/api/exchange/grants/{id}/deliveries', { params: { path: { id } }, body: { title: form.title.trim(), plan, secret: form.secret || undefined } }))
    Object.assign(form, blank())
    adding.value = false
    toast(text('exchange.deliveryMade'))
    await list.reload()
  })
  const act = useAction(async (what: 'run' | 'pause' | 'resume' | 'drop', one: Delivery) => {
    const params = { path: { id: one.id } }
    if (what === 'run') await ask(api.POST('/api/exchange/deliveries/{id}/runs', { params }))
    else if (what === 'drop') {
      const yes = await confirmDeed({ title: text('exchange.dropDelivery', [one.title]), words: text('exchange.dropDeliveryWords'), verb: text('exchange.dropVerb'), danger: true })
      if (!yes) return
      await ask(api.DELETE('/api/exchange/deliveries/{id}', { params: { ...params, query: { version: one.version } } }))
    } else await ask(api.PUT('/api/exchange/deliveries/{id}/state', { params, body: { state: what === 'pause' ? 'paused' : 'active', version: one.version } }))
    await list.reload()
    if (opened.value) await runs.reload()
  })
  const cancel = useAction(async (run: Run) => {
    await ask(api.POST('/api/exchange/runs/{id}/cancel', { params: { path: { id: run.id } } }))
    await Promise.all([list.reload(), runs.reload()])
  })
  return { list, opened, runs, adding, form, files, make, act, cancel, busy }
}
