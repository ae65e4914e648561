import { ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { useAction } from '@/base/query'

/** What shows the second factor: a code of the app, or a recovery code. */
export interface Proof {
  code?: string
  recovery?: string
}

/** A second factor to be scanned. */
export interface Secret {
  secret: string
  uri: string
  qr: string // data:image/png;base64,…
}

/** Asks for a new secret; who has a second factor already must show it. */
export const newSecret = (proof?: Proof): Promise<Secret> => ask(api.POST('/api/identity/enroll', proof ? { body: proof } : {}))

/** Binding an authenticator: a secret, a first code to prove it, then the recovery codes. */
export function useEnroll(given?: Secret) {
  const secret = shallowRef(given)
  const codes = shallowRef<string[]>()
  const code = ref('')
  const next = ref('done')

  const begin = useAction(async () => {
    secret.value = await newSecret()
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
