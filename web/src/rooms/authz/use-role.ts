import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned } from '@/base/versioned'
import { problemWords } from '@/base/words'
import { fromDraft, permField, permOf, toDraft, type PermRoom, type Role, type RoleDraft, type Scope } from './model'

/** All permissions by room, in the language of the page. */
export function usePermissions() {
  const { locale } = useI18n()
  return useQuery(async (signal) => (await ask(api.GET('/api/authz/permissions', { signal }))).items, [locale])
}

const fetchRole = (id: string, signal?: AbortSignal): Promise<Role> => ask(api.GET('/api/authz/roles/{id}', { params: { path: { id } }, signal }))

/** One role and its removal. */
export function useRole(id: () => string) {
  const { t } = useI18n()
  const router = useRouter()
  const role = useQuery((signal) => fetchRole(id(), signal), [id], { topics: ['authz.role'], when: () => id() !== 'new' })

  const change = useAction(async (of: Role) => {
    await ask(api.DELETE('/api/authz/roles/{id}', { params: { path: { id: of.id }, query: { version: of.version } } }))
    toast(t('authz.role.removed', [of.name]))
    announce('authz.role')
    await router.push('/authz')
  })
  async function remove(of: Role) {
    if (!(await confirmDeed({ title: t('authz.role.removeTitle', [of.name]), words: t('authz.role.removeWords'), verb: t('authz.role.remove'), danger: true }))) return
    await change.run(of)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  return { role, remove, busy: change.busy }
}

/** The form of a role: of one that is there, or of a new one. done is called with its id. */
export function useRoleForm(role: Role | undefined, rooms: () => PermRoom[], done: (id: string) => void) {
  const { t } = useI18n()
  async function write(draft: RoleDraft, version: number): Promise<void> {
    const body = fromDraft(draft)
    const saved = role
      ? await ask(api.PUT('/api/authz/roles/{id}', { params: { path: { id: role.id } }, body: { ...body, version } }))
      : await ask(api.POST('/api/authz/roles', { body }))
    toast(t(role ? 'authz.role.saved' : 'authz.role.made', [body.name]))
    announce('authz.role')
    done(saved.id)
  }
  const again = async () => {
    const fresh = await fetchRole(role?.id ?? '')
    return { draft: toDraft(fresh), version: fresh.version }
  }
  const start = role ? { draft: toDraft(role), version: role.version } : { draft: { name: '', nameEn: '', note: '' }, version: 0 }
  const form = useVersioned<RoleDraft>(start, write, again)
  const draft = form.draft as RoleDraft

  const has = (perm: string) => permField(perm) in draft
  /** Puts a permission into the role, first with “own unit and below”, or takes it out. */
  function toggle(perm: string): void {
    if (has(perm)) delete draft[permField(perm)]
    else draft[permField(perm)] = 'below'
  }
  const scopeOf = (perm: string) => draft[permField(perm)] as Scope
  const setScope = (perm: string, scope: string) => (draft[permField(perm)] = scope)
  const count = computed(() => Object.keys(draft).filter((field) => permOf(field)).length)
  const titles = computed(() => new Map(rooms().flatMap((one) => one.perms.map((perm) => [perm.name, `${one.title}${t('authz.dot')}${perm.title}`] as const))))
  /** A field in words: of a permission its room and title. */
  const titleOf = (field: string) => (permOf(field) ? (titles.value.get(permOf(field)) ?? permOf(field)) : t(`authz.field.${field}`))
  return { ...form, draft, has, toggle, scopeOf, setScope, count, titleOf }
}

