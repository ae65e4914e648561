import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts } from '@/base/i18n'
import type { Entry } from './narrow'
import { detailText, objectOf, placeOf, whoOf } from './words'

beforeAll(() => loadTexts('audit', { zh: () => import('./zh.json'), en: () => import('./en.json') }))

const entry = (change: Partial<Entry>) => ({ name: '', account: '', admin: '', unitName: '', title: '', object: '', objectId: '', ...change }) as Entry

describe('whoOf', () => {
  it.each([[{ name: '李霞', account: 'lixia' }, '李霞'], [{ account: 'lixia' }, 'lixia'], [{}, '系统']])('%o → %s', (change, words) => expect(whoOf(entry(change))).toBe(words))
})

describe('placeOf', () => {
  it.each([[{ admin: 'audit', unitName: '狮子山街道' }, '审计管理员'], [{ unitName: '狮子山街道' }, '狮子山街道'], [{}, '']])('%o → %s', (change, words) => expect(placeOf(entry(change))).toBe(words))
})

describe('objectOf', () => {
  it.each([
    [{ title: '企业名录', object: 'library_table', objectId: '06h0k7p7t9rf70chgzde4gqfk0' }, '企业名录'],
    [{ object: 'audit_check', objectId: '06h0k7p7t9rf70chgzde4gqfk0' }, 'audit_check'],
    [{ object: 'permission', objectId: 'audit.read' }, 'permission audit.read'],
    [{}, ''],
  ])('%o → %s', (change, words) => expect(objectOf(entry(change))).toBe(words))
})

describe('detailText', () => {
  it.each([
    ['', '无'],
    [null, '无'],
    [true, '是'],
    [0, '0'],
    ['云', '云'],
    [['phone', 'name'], 'phone、name'],
    [[], '无'],
    [{ a: 1 }, '{\n  "a": 1\n}'],
  ])('%o → %s', (value, words) => expect(detailText(value)).toBe(words))
})
