// @vitest-environment jsdom
import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts, setLanguage } from '@/base/i18n'
import { deedsOf, loginOf, nextLogin, placeOf, tally, worstFirst, type Account, type Check, type Rights } from './model'

beforeAll(async () => {
  await setLanguage('zh-CN', false)
  await loadTexts('identity', { zh: () => import('./zh.json'), en: () => import('./en.json') })
})

const account = (change: Partial<Account>): Account => ({
  id: 'a', login: 'zhangwei', name: '张伟', person: 'p', unit: 'u', unitName: '区水务和湖泊局', admin: '', service: false, state: 'active', disabledFor: '', manualLock: false,
  lockedUntil: null, hasTotp: false, daysLeft: 90, lastAt: null, createdAt: null, codeUntil: null, askedBy: '', askedWhy: '', askedUntil: null, askedByMe: false, needsSecond: true, ...change,
})
const nobody: Rights = { manage: false, unit: false, security: false, own: false }
const system: Rights = { ...nobody, manage: true, unit: true }
const unit: Rights = { ...nobody, unit: true }
const security: Rights = { ...nobody, security: true }

describe('deedsOf', () => {
  it.each([
    ['the system administrator and a person', system, {}, ['issue', 'disable']],
    ['… whose account is new', system, { state: 'new' as const }, ['issue', 'disable']],
    ['… whose account is disabled', system, { state: 'disabled' as const }, ['enable']],
    ['the system administrator and an administrator with a second factor', system, { admin: 'audit', hasTotp: true }, ['issue', 'disable']],
    ['… without one: only at the machine', system, { admin: 'audit' }, ['disable']],
    ['… who waits for approval', system, { admin: 'audit', state: 'waiting' as const }, ['disable']],
    ['the system administrator and a program', system, { service: true }, ['disable']],
    ['a unit administrator and a person', unit, {}, ['issue']],
    ['a unit administrator and an administrator', unit, { admin: 'system', hasTotp: true }, []],
    ['the security administrator and a person', security, {}, []],
    ['… with a second factor', security, { hasTotp: true }, ['resetFactor']],
    ['… who is locked', security, { state: 'locked' as const }, ['unlock']],
    ['the security administrator and one who waits', security, { admin: 'system', state: 'waiting' as const }, ['approve']],
    ['who asked for a new code and waits', system, { askedBy: '赵系统', askedByMe: true }, ['refuse', 'disable']],
    ['a unit administrator and what another asked for', unit, { askedBy: '赵系统' }, ['refuse']],
    ['a second person', security, { askedBy: '赵系统' }, ['confirm', 'refuse']],
    ['somebody and his own account', { ...system, own: true }, {}, []],
    ['a reader', nobody, { state: 'locked' as const, hasTotp: true }, []],
  ])('%s', (_, rights, change, deeds) => expect(deedsOf(account(change), rights)).toEqual(deeds))
})

it.each([
  [{}, '区水务和湖泊局'],
  [{ unit: '', unitName: '' }, '没有在任岗位'],
  [{ admin: 'security' }, '安全管理员'],
  [{ service: true }, '服务账号 · 区水务和湖泊局'],
])('placeOf %o is %s', (change, place) => expect(placeOf(account(change))).toBe(place))

describe('a proposed login', () => {
  it.each([['zhang wei', 'zhangwei'], ['lü bù', 'lb'], ['a yi gu li·mai mai ti', 'ayigulimaimaiti'], ['', '']])('of %o is %o', (pinyin, login) => expect(loginOf(pinyin)).toBe(login))
  it.each([['zhangwei', 'zhangwei2'], ['zhangwei2', 'zhangwei3'], ['zhangwei9', 'zhangwei10']])('after %s comes %s', (login, next) => expect(nextLogin(login)).toBe(next))
})

describe('the self-check', () => {
  const check = (name: string, result: Check['result']): Check => ({ name, result, clause: '', title: name, count: 0, items: [], advice: '' })
  const checks = [check('a', 'ok'), check('b', 'part'), check('c', 'no'), check('d', 'ok'), check('e', 'no')]
  it('is counted', () => expect(tally(checks)).toEqual({ ok: 2, part: 1, no: 2 }))
  it('shows the worst first and keeps the order of clauses', () => expect(worstFirst(checks).map((one) => one.name)).toEqual(['c', 'e', 'b', 'a', 'd']))
})
