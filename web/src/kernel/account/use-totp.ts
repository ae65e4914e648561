import { ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { newSecret, type Proof, type Secret } from '../entry/use-enroll'
import { useSession } from '../session'

/** What a person may do with the second factor. */
export type Deed = 'rebind' | 'renew' | 'remove'

/** The second factor of a signed-in person. Each deed first asks for a code of the present app or a recovery code. */
export function useTotp() {
  const session = useSession()
  const deed = ref<Deed | 'bind' | ''>('') // under way
  const typed = ref('')
  const secret = shallowRef<Secret>() // asked for: binding may begin
  const codes = shallowRef<string[]>() // new recovery codes to show

  function begin(what: Deed | 'bind'): void {
    close()
    deed.value = what
  }
  function close(): void {
    deed.value = ''
    typed.value = ''
    secret.value = undefined
    codes.value = undefined
    prove.clear()
  }
  async function finish(words: string): Promise<void> {
    close()
    toast(words)
    await session.load()
  }

  const prove = useAction(async () => {
    const digits = typed.value.replace(/\s/g, '')
    const given: Proof = /^\d{6}$/.test(digits) ? { code: digits } : { recovery: typed.value.trim() }
    if (deed.value === 'rebind') secret.value = await newSecret(given)
    else if (deed.value === 'renew') codes.value = (await ask(api.POST('/api/identity/recovery', { body: { code: digits } }))).recoveryCodes
    else if (deed.value === 'remove') {
      await ask(api.POST('/api/identity/totp/remove', { body: given }))
      await finish(text('kernel.account.totpRemoved'))
    }
  })
  const bound = () => finish(text('kernel.account.rebound'))
  const renewed = () => finish(text('kernel.account.renewed'))
  return { deed, typed, secret, codes, begin, close, prove, bound, renewed }
}
