// @vitest-environment jsdom
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts, setLanguage } from '@/base/i18n'
import { spanOn, spansInWords } from './history'
import { joinAliases, lastYearEnd, pastDay, rankOf, rankText, splitAliases, type Branch, type GroupMember, type UnitSpan } from './model'
import { byRow, reasonsCSV } from './reasons'
import { byRole } from './use-group'
import { flatten } from './use-tree'

beforeAll(async () => {
  await setLanguage('zh-CN', false)
  await loadTexts('base', { zh: () => import('@/base/text/zh.json'), en: () => import('@/base/text/en.json') })
  await loadTexts('org', { zh: () => import('./zh.json'), en: () => import('./en.json') })
})

const unit = (id: string, parent = '', children = 0): Branch => ({ id, name: id, short: '', code: '', kind: 'section', parent, rank: 1, street: '', closed: false, children, people: 0 })

describe('flatten', () => {
  const children = new Map([['', [unit('a', '', 2)]], ['a', [unit('b', 'a', 1), unit('c', 'a')]], ['b', [unit('d', 'b')]]])
  const lines = (open: string[]) => flatten(children, new Set(open), new Set()).map((row) => `${row.unit.id} ${row.level} ${row.at}/${row.of}`)
  it('shows the top alone', () => expect(lines([])).toEqual(['a 1 1/1']))
  it('shows what is below an open unit', () => expect(lines(['a'])).toEqual(['a 1 1/1', 'b 2 1/2', 'c 2 2/2']))
  it('goes down as far as units are open', () => expect(lines(['a', 'b'])).toEqual(['a 1 1/1', 'b 2 1/2', 'd 3 1/1', 'c 2 2/2']))
  it('hides what is open below a closed line', () => expect(lines(['b'])).toEqual(['a 1 1/1']))
  it('does not open what has not been fetched', () => expect(flatten(new Map([['', [unit('a', '', 2)]]]), new Set(['a']), new Set(['a']))[0]).toMatchObject({ open: false, busy: true }))
})

const span = (from: string, until: string | null, change: Partial<UnitSpan> = {}): UnitSpan => ({ from, until, code: '', name: '水务局', short: '', kind: 'department', parent: 'p', parentName: '洪山区', street: '', ...change })
const [made, changed, closed, back] = ['2019-03-01T00:00:00+08:00', '2021-06-01T09:00:00+08:00', '2022-02-01T09:00:00+08:00', '2023-05-01T09:00:00+08:00'] as const

describe('the history of a unit', () => {
  it('is told newest first, with what became different', () => {
    const spans = [span(back, null, { name: '水务和湖泊局' }), span(changed, closed, { name: '水务和湖泊局' }), span(made, changed)]
    expect(spansInWords(spans).map((event) => [event.day, event.title, ...event.lines])).toEqual([
      ['2023-05-01', '恢复'],
      ['2022-02-01', '撤销'],
      ['2021-06-01', '变更', '单位名称由“水务局”改为“水务和湖泊局”'],
      ['2019-03-01', '成立', '水务局（部门），上级：洪山区'],
    ])
  })
  it('says nothing of a change that shows nowhere', () => expect(spansInWords([span(changed, null), span(made, changed)])).toHaveLength(1))
  it('knows another parent', () =>
    expect(spansInWords([span(changed, null, { parent: '', parentName: '' }), span(made, changed)])[0]!.lines).toEqual(['上级单位由“洪山区”改为“顶层”']))
  it.each([
    ['2018-12-31', undefined],
    ['2019-03-01', '水务局'],
    ['2021-05-31', '水务局'],
    ['2021-06-01', '水务和湖泊局'],
    ['2022-02-01', undefined],
    ['2023-05-01', '水务和湖泊局'],
  ])('on %s the unit was %s', (day, name) =>
    expect(spanOn([span(back, null, { name: '水务和湖泊局' }), span(changed, closed, { name: '水务和湖泊局' }), span(made, changed)], day)?.name).toBe(name))
})

describe('days', () => {
  const now = new Date('2023-12-31T17:30:00Z') // 1 January, 01:30 in Wuhan
  it('knows the end of last year where it is already the new one', () => expect(lastYearEnd(now)).toBe('2023-12-31'))
  it.each([['2023-12-31', true], ['2024-01-01', false], ['', false], ['yesterday', false]])('%s is past: %s', (day, past) => expect(pastDay(day, now)).toBe(past))
})

describe('what forms hold', () => {
  it.each([['水务局、区水务', ['水务局', '区水务']], ['甲，乙;丙\n甲', ['甲', '乙', '丙']], [' ', []]])('aliases %o', (words, aliases) => expect(splitAliases(words)).toEqual(aliases))
  it('joins what it splits', () => expect(splitAliases(joinAliases(['甲', '乙']))).toEqual(['甲', '乙']))
  it.each([['', 0], ['12', 12], ['0', 0], ['-1', 0], ['1.5', 0], ['第一', 0]])('rank %o is sent as %o', (words, rank) => expect(rankOf(words)).toBe(rank))
  it('leaves the rank of what nobody ordered empty', () => expect([rankText(100), rankText(7)]).toEqual(['', '7']))
})

describe('reasons', () => {
  const reasons = [{ name: '手机号', row: 3, message: '应为 11 位' }, { name: '', message: '没有表头' }, { name: '姓名', row: 2, message: '没有填写' }, { name: '单位', row: 3, message: '没有找到“=1+1”' }]
  it('stand by row', () => expect(byRow(reasons).map((bad) => [bad.row, bad.reasons.length])).toEqual([[0, 1], [2, 1], [3, 2]]))
  it('are written so that Excel neither splits nor computes them', () =>
    expect(reasonsCSV(byRow([{ name: '=cmd', row: 2, message: '第一行\n"第二行", 完' }]), ['行', '列', '原因'])).toBe('\ufeff"行","列","原因"\r\n"2","\'=cmd","第一行\n""第二行"", 完"\r\n'))
})

it('lists the members of a group by role and leaves out who has left', () => {
  const member = (id: string, role: string, until: string | null = null): GroupMember => ({ id, role, until, person: id, name: id, unit: '', unitName: '', title: '', rank: 1, from: made })
  expect(byRole([member('a', 'member'), member('b', 'head'), member('c', 'head'), member('d', 'deputy', made)]).map((part) => [part.role, part.members.map((one) => one.id)])).toEqual([['head', ['b', 'c']], ['member', ['a']]])
})
