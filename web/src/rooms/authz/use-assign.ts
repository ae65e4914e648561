import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'

/** A role in a post's hands. */
export interface Held {
  post: string
  role: string
  personName: string
  roleName: string
}

/** Giving a role to a post and taking it away. Both take effect at once. */
export function useAssign() {
  const { t } = useI18n()
  const change = useAction(async (held: Held, give: boolean) => {
    const call = { params: { path: { post: held.post, role: held.role } } }
    await ask(give ? api.PUT('/api/authz/posts/{post}/roles/{role}', call) : api.DELETE('/api/authz/posts/{post}/roles/{role}', call))
    toast(t(give ? 'authz.member.given' : 'authz.member.taken', [held.personName, held.roleName]))
    announce('authz.member')
  })
  async function run(held: Held, give: boolean) {
    await change.run(held, give)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  async function askTake(held: Held) {
    if (!(await confirmDeed({ title: t('authz.member.takeTitle', [held.personName, held.roleName]), words: t('authz.member.takeWords'), verb: t('authz.member.take'), danger: true }))) return
    await run(held, false)
  }
  return { busy: change.busy, error: change.error, clear: change.clear, change, give: (held: Held) => run(held, true), askTake }
}
