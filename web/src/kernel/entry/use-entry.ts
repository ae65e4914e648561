import { useRoute, useRouter } from 'vue-router'
import { safeTarget } from '../router'
import { useSession } from '../session'

/** What the server asks for next on the way in. */
export type Next = 'done' | 'totp' | 'enroll' | 'change'

/** Leads on after a step of signing in. 'totp' is answered on the sign-in page itself and needs no leading. */
export function useEntry(): { follow: (next: string) => Promise<void> } {
  const route = useRoute()
  const router = useRouter()
  const session = useSession()
  async function follow(next: string): Promise<void> {
    const query = route.query.to ? { to: route.query.to } : {}
    if (next === 'change') await router.push({ path: '/change-password', query })
    else if (next === 'enroll') await router.push({ path: '/enroll', query })
    else if (next === 'totp') await router.push({ path: '/signin', query: { ...query, step: 'totp' } })
    else {
      await session.load()
      await router.replace(safeTarget(route.query.to))
    }
  }
  return { follow }
}
