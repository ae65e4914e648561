import { createRouter, createWebHistory, type RouteLocationNormalized, type Router, type RouteRecordRaw } from 'vue-router'
import type { InstalledRoom } from '@/base/room'
import { orFailed, roomRoutes } from './pages'
import { useSession } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    open?: boolean // to be seen without signing in
    room?: string // the room whose menu opens the page
    icon?: string // of the page in the menu
    title?: string // text key of the title, for pages that are in no menu
  }
}

/** Pages before and around signing in. */
const entry: RouteRecordRaw[] = [
  { path: '/signin', component: () => orFailed(() => import('./entry/SignIn.vue')), meta: { open: true, title: 'kernel.signin.title' } },
  { path: '/change-password', component: () => orFailed(() => import('./entry/ChangePassword.vue')), meta: { open: true, title: 'kernel.password.title' } },
  { path: '/enroll', component: () => orFailed(() => import('./entry/Enroll.vue')), meta: { open: true, title: 'kernel.enroll.title' } },
  { path: '/activate', component: () => orFailed(() => import('./entry/Activate.vue')), meta: { open: true, title: 'kernel.activate.title' } },
  { path: '/setup', component: () => orFailed(() => import('./entry/Setup.vue')), meta: { open: true, title: 'kernel.setup.title' } },
]

/** Where "/" leads: the workbench, else the first page of the menu that is not behind the bell, else one's own page. */
export function homePath(menu: { room: string; path: string }[]): string {
  return (menu.find((item) => item.room === 'desk') ?? menu.find((item) => item.room !== 'notify'))?.path ?? '/me'
}

/** An address of ours from ?to=, never one of another site. */
export function safeTarget(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])/.test(to) && !to.startsWith('/signin') ? to : '/'
}

async function guard(to: RouteLocationNormalized) {
  if (to.meta.open) return true
  const session = useSession()
  await session.ready()
  if (session.problem) return true // the shell says that the server cannot be reached
  if (!session.me) return { path: '/signin', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (session.me.mustChangePassword) return '/change-password'
  if (session.me.mustEnrollTotp) return '/enroll'
  if (to.path === '/') return homePath(session.menu)
  return true
}

/** The router over the entry pages, the shell and the installed rooms. */
export function makeRouter(rooms: InstalledRoom[]): Router {
  const router = createRouter({
    history: createWebHistory(),
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
    routes: [
      ...entry,
      {
        path: '/',
        component: () => import('./shell/Shell.vue'),
        children: [
          ...roomRoutes(rooms),
          { path: 'me', component: () => orFailed(() => import('./account/Account.vue')), meta: { title: 'kernel.account.title' } },
          { path: ':rest(.*)*', component: () => orFailed(() => import('./shell/NotFound.vue')), meta: { title: 'kernel.notFound.title' } },
        ],
      },
    ],
  })
  router.beforeEach(guard)
  return router
}
