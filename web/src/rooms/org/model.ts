import type { components } from '@/api.gen'
import { text } from '@/base/i18n'
import { exactDate } from '@/base/time'

type Schemas = components['schemas']
/** A unit as the tree shows it. */
export type Branch = Schemas['OrgBranch']
/** A unit with its path, its relations and whether the reader may change it. */
export type Unit = Omit<Schemas['OrgUnitOutBody'], '$schema'>
/** What a unit was for a time. */
export type UnitSpan = Schemas['OrgUnitSpan']
/** One relation beside the line of command. */
export type Relation = Schemas['OrgRelation']
/** A person in a list. */
export type PersonItem = Schemas['OrgPersonItem']
/** A person with past posts and groups. */
export type Person = Omit<Schemas['OrgPersonOutBody'], '$schema'>
/** A person's place in a unit. */
export type Post = Schemas['OrgPost']
/** A group across units. */
export type Group = Schemas['OrgGroup']
/** Somebody's place in a group. */
export type GroupMember = Schemas['OrgGroupMember']

/** The kinds of unit, in the order a person picks from. */
export const kinds = ['district', 'department', 'street', 'community', 'institution', 'enterprise', 'section', 'group'] as const
/** One of the kinds. */
export type Kind = (typeof kinds)[number]

/** The relations beside the line of command. */
export const relationKinds = ['guidance', 'dual', 'custody'] as const
/** One of the relations. */
export type RelationKind = (typeof relationKinds)[number]

/** What somebody is in a group, in the order they are listed. */
export const groupRoles = ['head', 'deputy', 'office_head', 'member'] as const
/** One of the roles. */
export type GroupRole = (typeof groupRoles)[number]

/** The order of what nobody ordered, after all that has one. */
export const noRank = 100

/** A kind in words; the server's own letter for one this page does not know. */
export function kindWords(kind: string): string {
  return kinds.includes(kind as Kind) ? text(`org.kind.${kind}`) : kind
}

/** The icon of a kind. */
export function kindIcon(kind: string): string {
  return { district: 'map', department: 'building', street: 'map', community: 'home', institution: 'building', enterprise: 'firm', section: 'people', group: 'file' }[kind] ?? 'unit'
}

/** Aliases as a form edits them, and back. */
export const joinAliases = (aliases: string[]): string => aliases.join(text('org.listComma'))
export const splitAliases = (words: string): string[] => [...new Set(words.split(/[\u3001,\uff0c;\uff1b\n]+/).map((alias) => alias.trim()).filter(Boolean))]

/** A whole number a form holds as text; 0, which means the server's default, for an empty or unreadable one. */
export function rankOf(words: string | number): number {
  const rank = Number(String(words).trim())
  return Number.isInteger(rank) && rank > 0 ? rank : 0
}

/** The rank as a form shows it: empty for one nobody ordered. */
export const rankText = (rank: number): string => (rank === noRank ? '' : String(rank))

/** Today's civil date, 2023-11-23. */
export const today = (now: Date = new Date()): string => exactDate(now)

/** The last day of the year before: what “last year's chart” means. */
export const lastYearEnd = (now: Date = new Date()): string => `${Number(today(now).slice(0, 4)) - 1}-12-31`

/** Whether a day can be asked for: a date, not one to come. */
export const pastDay = (day: string, now: Date = new Date()): boolean => /^\d{4}-\d{2}-\d{2}$/.test(day) && day < today(now)
