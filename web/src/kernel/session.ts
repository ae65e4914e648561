import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { Problem } from '@/base/problem'
import { closeRealtime } from '@/base/realtime'

/** A unit as the session names it. */
export interface Unit {
  id: string
  name: string
}
/** A post: the capacity in which a person acts, one at a time. */
export interface Post {
  id: string
  title: string
  unit: Unit
}
/** One line of the menu, in the language of the request. path names the page a room binds. */
export interface MenuItem {
  room: string
  pillar: string
  name: string // unique in its room
  path: string
  title: string
}
/** Who is signed in, in which post, with what rights. */
export interface Me {
  person: { id: string; name: string; account: string }
  post: Post | null // null for an administrator and for somebody without a post
  posts: Post[]
  admin: string // 'system' | 'security' | 'audit' | ''
  perms: string[]
  menu: MenuItem[]
  mustChangePassword: boolean
  mustEnrollTotp: boolean
  hasTotp: boolean
  totpRequired: boolean // the rules do not let this account go without a second factor
  passwordDaysLeft: number // -1: never expires
  passwordWarn: boolean // it expires soon
  asked?: { account: string; by: string; why: string; until: string | null } // somebody asks for a new activation code for this account
  demo: boolean
  district: string
  lang: string
}

/** The session of the person at the browser. The cookie is HttpOnly: what is known here comes from /api/identity/me. */
export const useSession = defineStore('session', () => {
  const me = shallowRef<Me | null>(null)
  const problem = shallowRef<Problem | null>(null) // why `me` could not be asked, when that was not 401
  let asking: Promise<void> | undefined
  const perms = computed(() => new Set(me.value?.perms ?? []))
  const menu = computed(() => me.value?.menu ?? [])

  /** Asks who is signed in. Never throws: afterwards me is set, or null with or without a problem. */
  async function load(): Promise<void> {
    try {
      me.value = await ask(api.GET('/api/identity/me'))
      problem.value = null
    } catch (thrown) {
      const failed = thrown instanceof Problem ? thrown : new Problem(0, '')
      if (failed.status === 401) me.value = null
      problem.value = failed.status === 401 ? null : failed
    }
  }

  /** load, unless it is already known who is signed in; two callers share one request. */
  async function ready(): Promise<void> {
    if (me.value) return
    asking ??= load().finally(() => (asking = undefined))
    await asking
  }

  /** Whether the person's present post has a right. The server decides; this only spares a refusal. */
  function can(perm: string): boolean {
    return perms.value.has(perm)
  }

  async function switchPost(postId: string): Promise<void> {
    await ask(api.POST('/api/identity/post', { body: { postId } }))
    await load()
  }

  /** Forgets who was signed in; for sign-out and for a session the server has ended. */
  function forget(): void {
    me.value = null
    void closeRealtime()
  }

  async function signOut(): Promise<void> {
    await ask(api.POST('/api/identity/signout'))
    forget()
  }

  return { me, problem, menu, load, ready, can, switchPost, forget, signOut }
})
