import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts } from '@/base/i18n'
import { faultOf, fromDraft, same, toDraft, valueWords, type Setting } from './values'

beforeAll(() => loadTexts('settings', { zh: () => import('./zh.json'), en: () => import('./en.json') }))

const setting = (change: Partial<Setting>): Setting => ({
  name: 'knob.x', title: '旋钮', type: 'int', value: 0, default: 0, min: 1, max: 120, options: [], admin: 'system', mine: true, changed: false, version: 0, by: '', at: null, reason: '', ...change,
})

describe('valueWords', () => {
  it.each([
    [{ type: 'bool' as const }, true, '开启'],
    [{ type: 'bool' as const }, false, '关闭'],
    [{}, 3650, '3,650'],
    [{ type: 'string' as const }, '', '未填写'],
    [{ type: 'string' as const }, '武汉市洪山区', '武汉市洪山区'],
    [{ type: 'string' as const, options: [{ value: 'all', title: '所有人' }] }, 'all', '所有人'],
    [{ type: 'strings' as const }, [], '未填写'],
    [{ type: 'strings' as const }, ['甲', '乙'], '甲、乙'],
  ])('%o %o → %s', (change, value, words) => expect(valueWords(setting(change), value)).toBe(words))
})

describe('a draft', () => {
  it('turns a list into lines and back, without empty ones', () => {
    expect(toDraft(['甲', '乙'])).toBe('甲\n乙')
    expect(fromDraft(setting({ type: 'strings' }), ' 甲 \n\n乙\n')).toEqual(['甲', '乙'])
  })
  it('loses the spaces around a text', () => expect(fromDraft(setting({ type: 'string' }), ' 洪山区 ')).toBe('洪山区'))
})

describe('faultOf', () => {
  it.each([[1, ''], [120, ''], [0, '应为 1 到 120 之间的整数'], [121, '应为 1 到 120 之间的整数'], [1.5, '应为 1 到 120 之间的整数'], ['', '应为 1 到 120 之间的整数']])('%o → %s', (value, words) =>
    expect(faultOf(setting({}), value)).toBe(words))
  it('takes any text', () => expect(faultOf(setting({ type: 'string' }), '')).toBe(''))
})

it('compares values of every type', () => {
  expect(same(['甲'], ['甲'])).toBe(true)
  expect(same(['甲'], ['乙'])).toBe(false)
  expect(same(1, '1')).toBe(false)
})
