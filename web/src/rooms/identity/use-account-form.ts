import { reactive, shallowRef, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Party } from '@/kernel/party/use-party-search'
import { loginOf, nextLogin, type Admin } from './model'

/** For whom an account is made. */
export type NewKind = 'person' | 'service' | 'admin'

/** The form of a new account. A person's login is proposed from the pinyin of the name, one that is free. */
export function useAccountForm(done: (id: string) => void) {
  const { t } = useI18n()
  const draft = reactive({ kind: 'person' as NewKind, login: '', admin: 'system' as Admin, name: '' })
  const person = shallowRef<Party | null>(null)
  let proposed = ''

  watch([person, () => draft.kind], async ([chosen, kind], _before, clean) => {
    if (!chosen || kind !== 'person' || (draft.login && draft.login !== proposed)) return
    const stop = new AbortController()
    clean(() => stop.abort())
    const login = await propose(chosen.id, stop.signal).catch(() => '')
    if (!stop.signal.aborted && login) draft.login = proposed = login
  })

  const make = useAction(async () => {
    const login = draft.login.trim()
    const body = draft.kind === 'admin' ? { login, admin: draft.admin, name: draft.name.trim() } : { login, person: person.value?.id, service: draft.kind === 'service' }
    const { id } = await ask(api.POST('/api/identity/accounts', { body }))
    toast(t(`identity.made.${draft.kind}`, [login]))
    announce('identity.account')
    done(id)
  })
  const ready = () => draft.login.trim().length >= 2 && (draft.kind === 'admin' ? draft.name.trim().length >= 2 : person.value !== null)
  return { draft, person, make, ready }
}

/** The pinyin of a person's name as a login, with a number behind it while it is taken. '' when there is none to propose. */
async function propose(id: string, signal: AbortSignal): Promise<string> {
  const { pinyin } = await ask(api.GET('/api/org/people/{id}', { params: { path: { id } }, signal }))
  let login = loginOf(pinyin)
  if (!login) return ''
  const { items } = await ask(api.GET('/api/identity/accounts', { params: { query: { q: login, limit: 100 } }, signal }))
  const taken = new Set(items.map((account) => account.login.toLowerCase()))
  while (taken.has(login)) login = nextLogin(login)
  return login
}
