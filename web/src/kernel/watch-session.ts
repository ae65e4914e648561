import { watch } from 'vue'
import type { Router } from 'vue-router'
import { apiEvents } from '@/base/api'
import { i18n, text } from '@/base/i18n'
import { useSession } from './session'
import { useSite } from './site'

/** Keeps what is outside the components in step: an ended session leads to the sign-in page, and the document's title follows the page. */
export function watchSession(router: Router): void {
  const session = useSession()
  const site = useSite()

  apiEvents.addEventListener('unsigned', () => {
    const at = router.currentRoute.value
    if (!session.me) return
    session.forget()
    if (!at.meta.open) void router.replace({ path: '/signin', query: { to: at.fullPath, why: 'ended' } })
  })

  const title = () => {
    const { path, meta } = router.currentRoute.value
    const inMenu = session.menu.find((item) => item.path === path) ?? session.menu.find((item) => path.startsWith(item.path + '/'))
    const page = meta.title ? text(meta.title) : (inMenu?.title ?? '')
    return [page, site.site.product || text('kernel.product'), site.site.district].filter(Boolean).join(' · ')
  }
  watch([router.currentRoute, i18n.global.locale, () => session.me, () => site.site], () => (document.title = title()), { immediate: true })
}
