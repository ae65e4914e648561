import { computed, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned, type Draft, type Versioned } from '@/base/versioned'
import { problemWords } from '@/base/words'
import type { components } from '@/api.gen'
import type { Party } from '@/kernel/party/use-party-search'
import { groupRoles, type Group, type GroupMember, type GroupRole } from './model'

/** A group with who is in it. */
export type GroupShown = Omit<components['schemas']['OrgGroupOutBody'], '$schema'>

const fetchGroup = (id: string, past: boolean, signal?: AbortSignal): Promise<GroupShown> => ask(api.GET('/api/org/groups/{id}', { params: { path: { id }, query: { past } }, signal }))

/** Members by role, in the order of roles; empty roles are left out. Former members are not among them. */
export function byRole(members: GroupMember[]): { role: GroupRole; members: GroupMember[] }[] {
  return groupRoles.map((role) => ({ role, members: members.filter((one) => one.role === role && !one.until) })).filter((part) => part.members.length > 0)
}

/** The list of groups. */
export function useGroups() {
  return useList<Group, { q: string; past: string }>({
    filters: { q: '', past: '' },
    topics: ['org.group'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/org/groups', { params: { query: { q: filters.q.trim() || undefined, past: filters.past === 'yes', after: cursor || undefined, limit } }, signal })),
  })
}

/** One group and the deeds that need no form. */
export function useGroup(id: () => string) {
  const { t } = useI18n()
  const past = shallowRef(false)
  const group = useQuery((signal) => fetchGroup(id(), past.value, signal), [id, past], { topics: ['org.group', 'org.person'] })

  const change = useAction(async (deed: () => Promise<unknown>, done: string) => {
    await deed()
    toast(done)
    announce('org.group')
  })
  async function run(deed: () => Promise<unknown>, done: string) {
    await change.run(deed, done)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  async function dissolve(of: GroupShown) {
    if (!(await confirmDeed({ title: t('org.group.dissolveTitle', [of.name]), words: t('org.group.dissolveWords', [of.members]), verb: t('org.group.dissolve'), danger: true, typed: of.name }))) return
    await run(() => ask(api.POST('/api/org/groups/{id}/dissolve', { params: { path: { id: of.id } }, body: { version: of.version } })), t('org.group.dissolved', [of.name]))
  }
  async function remove(of: GroupShown, member: GroupMember) {
    if (!(await confirmDeed({ title: t('org.group.removeTitle', [member.name, of.name]), words: t('org.group.removeWords'), verb: t('org.group.remove'), danger: true }))) return
    await run(() => ask(api.DELETE('/api/org/groups/{id}/members/{member}', { params: { path: { id: of.id, member: member.id } } })), t('org.group.removed', [member.name]))
  }
  const parts = computed(() => byRole(group.data.value?.people ?? []))
  const former = computed(() => group.data.value?.people.filter((one) => one.until) ?? [])
  return { group, past, parts, former, busy: change.busy, dissolve, remove }
}

/** What the form of a group holds. The office is its unit's id; its name is kept for words. */
export interface GroupDraft extends Draft {
  name: string
  duty: string
  office: string
  officeName: string
  since: string
}

const draftOf = (group: Group): Versioned<GroupDraft> => ({ version: group.version, draft: { name: group.name, duty: group.duty, office: group.office, officeName: group.officeName, since: '' } })

/** The form of a group: of one that is there, or of a new one. */
export function useGroupForm(group: Group | undefined, done: () => void) {
  const { t } = useI18n()
  const router = useRouter()
  async function write(draft: GroupDraft, version: number): Promise<void> {
    const { name, duty, office, since } = draft
    if (group) await ask(api.PUT('/api/org/groups/{id}', { params: { path: { id: group.id } }, body: { name, duty, office, version } }))
    else {
      const { id } = await ask(api.POST('/api/org/groups', { body: { name, duty, office, since } }))
      void router.push(`/org/groups/${id}`)
    }
    toast(t(group ? 'org.group.saved' : 'org.group.made', [name]))
    announce('org.group')
    done()
  }
  const start = group ? draftOf(group) : { version: 0, draft: { name: '', duty: '', office: '', officeName: '', since: '' } }
  const form = useVersioned<GroupDraft>(start, write, async () => draftOf(await fetchGroup(group?.id ?? '', false)))
  const office = computed<Party | null>({
    get: () => (form.draft.office ? { id: form.draft.office, name: form.draft.officeName, detail: '' } : null),
    set: (unit) => Object.assign(form.draft, { office: unit?.id ?? '', officeName: unit?.name ?? '' }),
  })
  return { ...form, office }
}
