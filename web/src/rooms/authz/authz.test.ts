// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { dayBegins, dayEnds, daysAfter, fromDraft, grantableFirst, granted, lendable, narrow, period, toDraft, widest, type PermRoom, type Scope } from './model'

const perm = (name: string, title: string, admin = '', everybody = '') => ({ name, title, admin, default: everybody })
const rooms: PermRoom[] = [
  { room: 'audit', title: '审计', perms: [perm('audit.read', '查看审计日志', 'audit')] },
  { room: 'org', title: '组织人员', perms: [perm('org.manage', '管理全区组织机构', 'system'), perm('org.read', '查看通讯录', '', 'all'), perm('org.unit_manage', '管理本单位机构和人员')] },
  { room: 'library', title: '数据归集', perms: [perm('library.load', '归集数据')] },
]

describe('widest', () => {
  it.each<[Scope[], Scope[]]>([
    [['self'], ['self']],
    [['self', 'unit'], ['unit']],
    [['unit', 'below'], ['below']],
    [['below', 'street', 'self'], ['below', 'street']],
    [['street', 'unit'], ['unit', 'street']],
    [['all', 'below', 'self'], ['all']],
  ])('%o → %o', (all, found) => expect(widest(new Set(all))).toEqual(found))
})

it('adds up what several roles grant, by room', () =>
  expect(granted([{ perms: [{ perm: 'org.unit_manage', scope: 'unit' }] }, { perms: [{ perm: 'org.unit_manage', scope: 'below' }, { perm: 'gone.room', scope: 'all' }] }], rooms)).toEqual([
    { room: 'org', title: '组织人员', perms: [{ name: 'org.unit_manage', title: '管理本单位机构和人员', scopes: ['below'] }] },
  ]))

it('keeps a role through its form', () => {
  const role = { name: ' 数据专员 ', nameEn: 'Data officer', note: '', perms: [{ perm: 'library.load', scope: 'unit' as const }] }
  const draft = toDraft(role)
  expect(draft).toEqual({ name: ' 数据专员 ', nameEn: 'Data officer', note: '', 'perm:library.load': 'unit' })
  expect(fromDraft(draft)).toEqual({ ...role, name: '数据专员' })
})

it('offers what a role may hold first', () =>
  expect(grantableFirst(rooms).map((one) => [one.room, ...one.perms.map((each) => each.name)])).toEqual([
    ['org', 'org.read', 'org.unit_manage', 'org.manage'], ['library', 'library.load'], ['audit', 'audit.read'],
  ]))

describe('narrow', () => {
  const names = (typed: string) => narrow(rooms, typed).flatMap((one) => one.perms.map((each) => each.name))
  it('finds a permission by its title or name', () => expect([names('归集数'), names('unit_m')]).toEqual([['library.load'], ['org.unit_manage']]))
  it('finds all of a room by its title', () => expect(names('组织')).toEqual(['org.manage', 'org.read', 'org.unit_manage']))
  it('shows all without words', () => expect(names(' ')).toHaveLength(5))
})

it('does not offer to lend what everybody has', () => expect(lendable(rooms[1]!.perms).map((one) => one.name)).toEqual(['org.manage', 'org.unit_manage']))

describe('days of a delegation', () => {
  const now = new Date('2023-12-30T17:30:00Z') // 31 December, 01:30 in Wuhan
  it('lasts at most the limit, the first day counted', () => expect(period('', 90, now)).toEqual({ today: '2023-12-31', latestFrom: '2024-03-29', latestUntil: '2024-03-29' }))
  it('counts from the day it begins', () => expect(period('2024-01-10', 7, now).latestUntil).toBe('2024-01-16'))
  it('never spans more than the limit', () => expect(Date.parse(dayEnds(daysAfter('2024-01-01', 89))) - Date.parse(dayBegins('2024-01-01'))).toBeLessThan(90 * 86_400_000))
  it('knows a leap year', () => expect(daysAfter('2024-02-28', 1)).toBe('2024-02-29'))
})
