import type { components } from '@/api.gen'
import { language, text } from '@/base/i18n'
import { exactDate } from '@/base/time'

type Schemas = components['schemas']
/** A named set of permissions that posts carry. */
export type Role = Omit<Schemas['AuthzRole'], '$schema'>
/** A room with its permissions. */
export type PermRoom = Schemas['AuthzPermRoom']
/** One permission, with the administrator it is reserved for. */
export type PermItem = Schemas['AuthzPermItem']
/** A post that carries a role. */
export type Member = Schemas['AuthzMemberItem']
/** Permissions lent for a time. */
export type Delegation = Schemas['AuthzDelegationItem']

/** How far a permission reaches from the post, from near to far. */
export const scopes = ['self', 'unit', 'below', 'street', 'all'] as const
/** One of them. */
export type Scope = (typeof scopes)[number]

/** A role's name in the language of the page. */
export const roleName = (role: { name: string; nameEn: string }): string => (language() === 'en' && role.nameEn ? role.nameEn : role.name)

/** A scope in words. */
export const scopeWords = (scope: string): string => (scopes.includes(scope as Scope) ? text(`authz.scope.${scope}`) : scope)

/** What a role grants of one room. */
export interface GrantedRoom {
  room: string
  title: string
  perms: { name: string; title: string; scopes: Scope[] }[]
}

/** What roles grant together, by room: of one permission every scope that is not inside another. */
export function granted(roles: Pick<Role, 'perms'>[], rooms: PermRoom[]): GrantedRoom[] {
  const reach = new Map<string, Set<Scope>>()
  for (const role of roles) for (const { perm, scope } of role.perms) reach.set(perm, (reach.get(perm) ?? new Set()).add(scope))
  return rooms
    .map((one) => ({ room: one.room, title: one.title, perms: one.perms.filter((perm) => reach.has(perm.name)).map((perm) => ({ name: perm.name, title: perm.title, scopes: widest(reach.get(perm.name)!) })) }))
    .filter((one) => one.perms.length > 0)
}

/** The scopes of a set that no other one of it contains: everything contains all others, a unit with those below the unit alone. */
export function widest(all: ReadonlySet<Scope>): Scope[] {
  if (all.has('all')) return ['all']
  const found = scopes.filter((scope) => all.has(scope) && !(scope === 'unit' && all.has('below')))
  return found.length > 1 ? found.filter((scope) => scope !== 'self') : found
}

/** The form of a role: its words, and "perm:<name>" → scope for each permission it holds. */
export type RoleDraft = Record<string, string>
const prefix = 'perm:'

/** The field of a permission in the form. */
export const permField = (perm: string): string => prefix + perm
/** The permission of a field, '' for one of the words. */
export const permOf = (field: string): string => (field.startsWith(prefix) ? field.slice(prefix.length) : '')

/** A role as a form edits it. */
export function toDraft(role: Pick<Role, 'name' | 'nameEn' | 'note' | 'perms'>): RoleDraft {
  const draft: RoleDraft = { name: role.name, nameEn: role.nameEn, note: role.note }
  for (const { perm, scope } of role.perms) draft[permField(perm)] = scope
  return draft
}

/** The form as the server takes it. */
export function fromDraft(draft: RoleDraft): { name: string; nameEn: string; note: string; perms: { perm: string; scope: Scope }[] } {
  const perms = Object.entries(draft).filter(([field]) => permOf(field)).map(([field, scope]) => ({ perm: permOf(field), scope: scope as Scope }))
  return { name: (draft.name ?? '').trim(), nameEn: (draft.nameEn ?? '').trim(), note: (draft.note ?? '').trim(), perms }
}

/** Permissions in the order a role's editor offers them: what a role may hold before what belongs to the administrators, and
 *  rooms that offer nothing last. */
export function grantableFirst(rooms: PermRoom[]): PermRoom[] {
  const sorted = rooms.map((one) => ({ ...one, perms: [...one.perms.filter((perm) => !perm.admin), ...one.perms.filter((perm) => perm.admin)] }))
  const offers = (one: PermRoom) => one.perms.some((perm) => !perm.admin)
  return [...sorted.filter(offers), ...sorted.filter((one) => !offers(one))]
}

/** What is worth lending: not what everybody holds over everything anyway. */
export const lendable = (perms: PermItem[]): PermItem[] => perms.filter((perm) => perm.default !== 'all')

/** Rooms whose title or permissions answer what was typed. */
export function narrow(rooms: PermRoom[], typed: string): PermRoom[] {
  const words = typed.trim().toLowerCase()
  if (!words) return rooms
  const answers = (perm: PermItem) => perm.title.toLowerCase().includes(words) || perm.name.includes(words)
  return rooms.map((one) => (one.title.toLowerCase().includes(words) ? one : { ...one, perms: one.perms.filter(answers) })).filter((one) => one.perms.length > 0)
}

/** Colour and shape of a delegation's state. */
export function delegationLook(state: Delegation['state']): { tone: 'success' | 'brand' | 'info'; shape: 'check' | 'ring' | 'dash' } {
  if (state === 'valid') return { tone: 'success', shape: 'check' }
  return state === 'planned' ? { tone: 'brand', shape: 'ring' } : { tone: 'info', shape: 'dash' }
}

const day = 86_400_000

/** A civil day some days after another: 2023-12-31, 1 → 2024-01-01. */
export const daysAfter = (date: string, days: number): string => new Date(Date.parse(`${date}T00:00:00Z`) + days * day).toISOString().slice(0, 10)

/** The days a delegation may have: from today on, at most maxDays ahead; until at most maxDays after it begins. */
export function period(from: string, maxDays: number, now: Date = new Date()): { today: string; latestFrom: string; latestUntil: string } {
  const today = exactDate(now)
  return { today, latestFrom: daysAfter(today, maxDays - 1), latestUntil: daysAfter(from || today, maxDays - 1) }
}

/** The first instant of a civil day, and the last second of one. */
export const dayBegins = (date: string): string => `${date}T00:00:00+08:00`
export const dayEnds = (date: string): string => `${date}T23:59:59+08:00`
