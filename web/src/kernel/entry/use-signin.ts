import { computed, ref, watch } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'
import { useEntry } from './use-entry'

/** The steps of signing in: account and password, then a code or a recovery code. */
export function useSignIn() {
  const route = useRoute()
  const { follow } = useEntry()
  const step = ref<'password' | 'totp'>(route.query.step === 'totp' ? 'totp' : 'password')
  const way = ref<'code' | 'recovery'>('code')
  const account = ref('')
  const password = ref('')
  const code = ref('')
  const recovery = ref('')

  const enter = useAction(async () => {
    const { next } = await ask(api.POST('/api/identity/signin', { body: { account: account.value.trim(), password: password.value } }))
    password.value = ''
    if (next === 'totp') step.value = 'totp'
    else await follow(next)
  })

  const prove = useAction(async () => {
    const body = way.value === 'code' ? { code: code.value } : { recovery: recovery.value.trim() }
    try {
      const { next } = await ask(api.POST('/api/identity/totp', { body }))
      await follow(next)
    } finally {
      code.value = ''
    }
  })

  /** Digits only, however they were pasted ("123 456"); six of them are sent at once. */
  watch(code, (typed) => {
    const digits = typed.replace(/\D/g, '').slice(0, 6)
    if (digits !== typed) code.value = digits
    else if (digits.length === 6) void prove.run()
  })

  function startOver(): void {
    step.value = 'password'
    way.value = 'code'
    code.value = ''
    recovery.value = ''
    enter.clear()
    prove.clear()
  }

  const problem = computed(() => (step.value === 'password' ? enter.error.value : prove.error.value))
  const busy = computed(() => enter.busy.value || prove.busy.value)
  return { step, way, account, password, code, recovery, enter, prove, startOver, problem, busy }
}
