import { computed, onMounted, reactive, ref } from 'vue'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { keepsRules } from './password'
import { useRules } from './use-rules'

/** The three administrators, whose duties never meet in one account (GB/T 22239-2019 8.1.5). */
export const kinds = ['system', 'security', 'audit'] as const

/** What the page asks of one administrator. */
export interface Draft {
  kind: (typeof kinds)[number]
  account: string
  name: string
  password: string
  again: string
}

/** The first start: a token from the terminal and three administrators. */
export function useSetup() {
  const router = useRouter()
  const rules = useRules()
  const token = ref('')
  const accounts = { system: 'sysadmin', security: 'secadmin', audit: 'auditadmin' }
  const admins = reactive<Draft[]>(kinds.map((kind) => ({ kind, account: accounts[kind], name: '', password: '', again: '' })))

  const doubled = computed(() => {
    const seen = new Set<string>()
    return admins.find(({ account }) => {
      const name = account.trim().toLowerCase()
      if (name && seen.has(name)) return true
      seen.add(name)
      return false
    })?.kind
  })
  const complete = (draft: Draft) =>
    draft.account.trim() !== '' && draft.name.trim() !== '' && draft.password === draft.again && keepsRules(draft.password, draft.account, rules.value)
  const ready = computed(() => token.value.trim() !== '' && !doubled.value && admins.every(complete))

  const create = useAction(async () => {
    const body = {
      token: token.value.trim(),
      admins: admins.map(({ kind, account, name, password }) => ({ kind, account: account.trim(), name: name.trim(), password })),
    }
    await ask(api.POST('/api/identity/setup', { body }))
    toast(text('kernel.setup.done'))
    await router.push('/signin')
  })
  onMounted(async () => {
    const { needed } = await ask(api.GET('/api/identity/setup')).catch(() => ({ needed: true }))
    if (!needed) await router.replace('/signin')
  })
  return { token, admins, rules, doubled, complete, ready, create }
}
