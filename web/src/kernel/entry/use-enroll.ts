import { ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'

/** Binding an authenticator: a secret, a first code to prove it, then the recovery codes. */
export function useEnroll() {
  const secret = shallowRef<{ secret: string; uri: string; qr: string }>()
  const codes = shallowRef<string[]>()
  const code = ref('')
  const next = ref('done')

  const begin = useAction(async () => {
    secret.value = await ask(api.POST('/api/identity/enroll'))
  })
  const confirm = useAction(async () => {
    try {
      const answer = await ask(api.POST('/api/identity/enroll/confirm', { body: { code: code.value.replace(/\D/g, '') } }))
      next.value = answer.next
      codes.value = answer.recoveryCodes ?? []
    } finally {
      code.value = ''
    }
  })
  return { secret, codes, code, next, begin, confirm }
}
