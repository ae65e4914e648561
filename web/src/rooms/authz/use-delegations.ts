import { computed, reactive, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Party } from '@/kernel/party/use-party-search'
import { dayBegins, dayEnds, daysAfter, lendable, period, type Delegation } from './model'

/** Which delegations: those one gave, those one received, or (the security administrator) all. */
export type Side = 'given' | 'received' | 'all'

/** A list of delegations and their revocation. */
export function useDelegations(side: Side) {
  const { t } = useI18n()
  const list = useList<Delegation, { valid: string }>({
    filters: { valid: side === 'all' ? 'yes' : '' },
    addressless: true,
    topics: ['authz.delegation'],
    load: ({ filters, cursor, limit, signal }) => {
      const page = { after: cursor || undefined, limit }
      if (side === 'all') return ask(api.GET('/api/authz/delegations/all', { params: { query: { ...page, valid: filters.valid === 'yes' } }, signal }))
      return ask(api.GET('/api/authz/delegations', { params: { query: { ...page, side } }, signal }))
    },
  })
  const change = useAction(async (of: Delegation) => {
    const call = { params: { path: { id: of.id } } }
    await ask(side === 'all' ? api.DELETE('/api/authz/delegations/all/{id}', call) : api.DELETE('/api/authz/delegations/{id}', call))
    toast(t('authz.delegation.revoked', [of.toName]))
    announce('authz.delegation')
  })
  async function revoke(of: Delegation) {
    if (!(await confirmDeed({ title: t('authz.delegation.revokeTitle', [of.toName]), words: t('authz.delegation.revokeWords', [of.toName, of.perms.length]), verb: t('authz.delegation.revoke'), danger: true }))) return
    await change.run(of)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  const revocable = (of: Delegation) => side !== 'received' && (of.state === 'valid' || of.state === 'planned')
  return { list, revoke, revocable, busy: change.busy }
}

/** The form of a delegation: only what one holds, for a dated time, with a reason. */
export function useDelegationForm(done: () => void) {
  const { t, locale } = useI18n()
  const options = useQuery(async (signal) => {
    const { items, maxDays } = await ask(api.GET('/api/authz/delegations/options', { signal }))
    return { items: lendable(items), maxDays }
  }, [locale])
  const to = shallowRef<Party | null>(null)
  const { today } = period('', 1)
  const draft = reactive({ perms: [] as string[], from: today, until: daysAfter(today, 6), reason: '' })
  const limits = computed(() => period(draft.from, options.data.value?.maxDays ?? 90))
  const fits = computed(() => draft.from >= today && draft.from <= limits.value.latestFrom && draft.until >= draft.from && draft.until <= limits.value.latestUntil)
  const ready = computed(() => to.value !== null && draft.perms.length > 0 && fits.value && draft.reason.trim().length >= 2)

  const delegate = useAction(async () => {
    if (!to.value) return
    await ask(api.POST('/api/authz/delegations', { body: { to: to.value.id, perms: [...draft.perms], from: dayBegins(draft.from), until: dayEnds(draft.until), reason: draft.reason.trim() } }))
    toast(t('authz.delegation.made', [to.value.name]))
    announce('authz.delegation')
    done()
  })
  return { options, to, draft, limits, fits, ready, delegate }
}
