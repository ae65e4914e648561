import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import { asks, type Rule, type RuleBody, type Standing } from './model'

/** The parts of the page. */
export type Tab = 'score' | 'rules' | 'profile' | 'history'
export const tabs: Tab[] = ['score', 'rules', 'profile', 'history']

/** The quality of one dataset: it looks again while a check waits or runs. */
export function useStanding() {
  const { t } = useI18n()
  const router = useRouter()
  const id = String(useRoute().params.id)
  const standing = useQuery<Standing>((signal) => ask(api.GET('/api/quality/datasets/{id}', { params: { path: { id } }, signal })), [], { topics: ['quality'] })
  const word = useAddress('tab', 'score')
  const tab = computed<Tab>({ get: () => tabs.find((one) => one === word.value) ?? 'score', set: (to) => (word.value = to) })
  const running = useQuery(async (signal) => {
    if (standing.data.value?.running) standing.data.value = await ask(api.GET('/api/quality/datasets/{id}', { params: { path: { id } }, signal }))
    return true
  }, [], { every: 2000 })

  function take(now: Standing | undefined) {
    if (now) standing.data.value = now
  }
  async function done(action: { error: { value: Parameters<typeof problemWords>[0] | null } }) {
    if (action.error.value) toast(problemWords(action.error.value), { tone: 'danger' })
  }
  const check = useAction(async () => take(await ask(api.POST('/api/quality/datasets/{id}/check', { params: { path: { id } } }))))
  const cancel = useAction(async () => take(await ask(api.POST('/api/quality/datasets/{id}/cancel', { params: { path: { id } } }))))
  const put = useAction(async (rule: Rule, change: Partial<Rule>) => {
    const now = { ...rule, ...change }
    const body = { title: now.title, body: now.body, weight: now.weight, blocking: now.blocking, state: now.state, version: rule.version }
    take(await ask(api.PUT('/api/quality/datasets/{id}/rules/{rule}', { params: { path: { id, rule: rule.id } }, body })))
  })
  const drop = useAction(async (rule: Rule) => {
    if (!(await confirmDeed({ title: t('quality.drop.title'), words: rule.title, verb: t('quality.drop.verb'), danger: true }))) return
    take(await ask(api.DELETE('/api/quality/datasets/{id}/rules/{rule}', { params: { path: { id, rule: rule.id } } })))
  })
  const ticket = useAction(async (rule: Rule) => {
    const made = await ask(api.POST('/api/quality/tickets', { body: { dataset: id, rule: rule.id, words: '' } }))
    toast(t('quality.ticket.made', [made.number]))
    announce('quality')
    await router.push(`/quality/tickets/${made.id}`)
  })
  const accept = useAction(async () => {
    for (const rule of standing.data.value?.ruleList ?? []) {
      if (rule.state === 'proposed') await put.run(rule, { state: 'active' })
      if (put.error.value) break
    }
    if (!put.error.value) await check.run()
  })
  const busy = computed(() => [check, cancel, put, drop, ticket, accept].some((one) => one.busy.value))
  const act = <A extends unknown[]>(action: { run: (...args: A) => Promise<unknown>; error: { value: Parameters<typeof problemWords>[0] | null } }) => async (...args: A) => {
    await action.run(...args)
    await done(action)
  }
  return { id, standing, running, tab, take, busy, check: act(check), cancel: act(cancel), put: act(put), drop: act(drop), ticket: act(ticket), accept: act(accept) }
}

/** What the page works with. */
export type StandingPage = ReturnType<typeof useStanding>

/** A rule being written: new, or one there is. */
export function useRuleForm(page: StandingPage, rule: Rule | undefined, saved: () => void) {
  const body = reactive<RuleBody>({ kind: 'required', column: page.standing.data.value?.fields[0]?.name ?? '', indicator: '', pattern: '', min: '', max: '', values: [], other: '', op: 'le', expr: '', days: 30, ...rule?.body })
  const form = reactive({ title: rule?.title ?? '', weight: rule?.weight ?? 10, blocking: rule?.blocking ?? false, active: rule ? rule.state === 'active' : true })
  const values = ref((rule?.body.values ?? []).join('\n'))
  const wants = (field: keyof RuleBody) => asks[body.kind].includes(field)
  const dicts = useQuery((signal) => ask(api.GET('/api/quality/dictionaries', { signal })))
  const save = useAction(async () => {
    const said: RuleBody = { kind: body.kind, indicator: body.indicator }
    for (const field of asks[body.kind]) Object.assign(said, { [field]: field === 'values' ? values.value.split('\n').map((one) => one.trim()).filter(Boolean) : body[field] })
    const sent = { title: form.title.trim(), body: said, weight: form.weight, blocking: form.blocking, state: form.active ? ('active' as const) : ('off' as const), version: rule?.version ?? 0 }
    page.take(
      rule
        ? await ask(api.PUT('/api/quality/datasets/{id}/rules/{rule}', { params: { path: { id: page.id, rule: rule.id } }, body: sent }))
        : await ask(api.POST('/api/quality/datasets/{id}/rules', { params: { path: { id: page.id } }, body: sent })),
    )
    saved()
  })
  return { body, form, values, wants, dicts, save }
}
