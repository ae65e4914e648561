import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { Member } from './model'

/** What the list of posts with roles is narrowed by. */
export type MemberFilters = { role: string; perm: string; unit: string }

/** Posts and the roles they carry. fixed narrows them for good, on a role's own page; else the filters stand in the address. */
export function useMembers(filters: MemberFilters, fixed: Partial<MemberFilters> = {}) {
  return useList<Member, MemberFilters>({
    filters,
    addressless: Object.keys(fixed).length > 0,
    topics: ['authz.member', 'authz.role'],
    load: ({ filters: by, cursor, limit, signal }) => {
      const query = { role: fixed.role ?? (by.role || undefined), perm: by.perm || undefined, unit: by.unit || undefined, after: cursor || undefined, limit }
      return ask(api.GET('/api/authz/members', { params: { query }, signal }))
    },
  })
}
