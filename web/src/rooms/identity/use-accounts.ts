import { computed, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Party } from '@/kernel/party/use-party-search'
import { useSession } from '@/kernel/session'
import { accountKinds, narrowed, type Account, type Code, type Deed, type Reasoned } from './model'

/** What the accounts are narrowed by. */
export type AccountFilters = { q: string; state: string; kind: string; unit: string }

/** The accounts, with the open one in the address (?account=). */
export function useAccounts() {
  const session = useSession()
  const open = useAddress('account')
  const rights = computed(() => ({ manage: session.can('identity.manage'), unit: session.can('identity.unit_manage'), security: session.can('identity.security') }))
  const list = useList<Account, AccountFilters>({
    filters: { q: '', state: '', kind: '', unit: '' },
    topics: ['identity.account'],
    load: ({ filters, cursor, limit, signal }) => {
      const query = {
        q: filters.q.trim() || undefined,
        state: narrowed.find((state) => state === filters.state),
        kind: accountKinds.find((kind) => kind === filters.kind),
        unit: filters.unit || undefined,
        after: cursor || undefined,
        limit,
      }
      return ask(api.GET('/api/identity/accounts', { params: { query }, signal }))
    },
  })
  const named = shallowRef<Party | null>(null)
  const unit = computed<Party | null>({
    get: () => (list.filters.unit ? (named.value?.id === list.filters.unit ? named.value : { id: list.filters.unit, name: unitOfRows(list.items.value, list.filters.unit), detail: '' }) : null),
    set: (chosen) => {
      named.value = chosen
      list.filters.unit = chosen?.id ?? ''
    },
  })
  return { list, open, rights, unit }
}

/** The name of the unit that a link narrowed the list to: every row says it. */
const unitOfRows = (rows: Account[], unit: string): string => rows.find((row) => row.unit === unit)?.unitName ?? '…'

/** The accounts as their views take them. */
export type AccountsPage = ReturnType<typeof useAccounts>

/** One account and what is done to it. A deed that needs a reason or shows a code leaves it in asking or code for the view. */
export function useAccount(id: () => string) {
  const { t } = useI18n()
  const account = useQuery((signal) => ask(api.GET('/api/identity/accounts/{id}', { params: { path: { id: id() } }, signal })), [id], { topics: ['identity.account'] })
  const code = shallowRef<Code | null>(null)
  const asking = shallowRef<Reasoned | null>(null)

  const change = useAction(async (deed: Deed, reason: string) => {
    const of = account.data.value
    if (!of) return
    const call = { params: { path: { id: of.id } } }
    let waiting = false
    if (deed === 'issue') {
      const made = await ask(api.POST('/api/identity/accounts/{id}/activation', { ...call, body: { reason } }))
      waiting = made.waiting
      if (!waiting) code.value = made
    } else if (deed === 'confirm') code.value = await ask(api.POST('/api/identity/accounts/{id}/activation/confirm', call))
    else if (deed === 'refuse') await ask(api.POST('/api/identity/accounts/{id}/activation/refuse', { ...call, body: { reason } }))
    else if (deed === 'approve') {
      const made = await ask(api.POST('/api/identity/accounts/{id}/approve', call))
      if (made.code) code.value = made // a program has none
    }
    else if (deed === 'unlock') await ask(api.POST('/api/identity/accounts/{id}/unlock', call))
    else if (deed === 'enable') await ask(api.POST('/api/identity/accounts/{id}/enable', call))
    else if (deed === 'disable') await ask(api.POST('/api/identity/accounts/{id}/disable', { ...call, body: { reason } }))
    else await ask(api.POST('/api/identity/accounts/{id}/totp/reset', { ...call, body: { reason } }))
    asking.value = null
    if (!code.value) toast(t(waiting ? 'identity.done.asked' : `identity.done.${deed}`, [of.name]))
    announce('identity.account')
  })

  /** Begins a deed: asks first, for a reason where the ledger wants one. */
  async function begin(deed: Deed) {
    change.clear()
    const of = account.data.value
    if (!of) return
    if (deed === 'disable' || deed === 'resetFactor' || deed === 'refuse' || (deed === 'issue' && of.needsSecond)) {
      asking.value = deed
      return
    }
    const again = deed === 'issue' && of.state !== 'new' // the present password is void at once
    const said = deed === 'approve' && of.service ? 'approveService' : deed
    const name = of.service ? of.login : of.name
    const words = t(again ? 'identity.ask.issueAgain' : `identity.ask.${said}`, [name])
    if (!(await confirmDeed({ title: t(`identity.title.${said}`, [name]), words, verb: t(`identity.deed.${deed}`), danger: again }))) return
    await change.run(deed, '')
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  return { account, code, asking, change, begin }
}
